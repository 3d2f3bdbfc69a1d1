package http

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"

	"atelier/messages"
)

// mostExported bounds a file of an export: the newest so many.
const mostExported = 10_000

// exportMe packs what there is of the caller: his account, his sessions, the projects
// that he is in with his role, the documents that he has made, and the log of his account.
func (s *Server) exportMe(ctx context.Context, c *call, _ *none) (*result[fileBody], error) {
	account, err := s.deps.Accounts.GetAccount(ctx, &messages.GetAccount{Meta: c.meta(), UserId: c.userID()})
	if err != nil {
		return nil, err
	}
	preferences, err := s.deps.Accounts.GetPreferences(ctx, &messages.GetPreferences{Meta: c.meta(), UserId: c.userID()})
	if err != nil {
		return nil, err
	}
	sessions, err := s.allSessions(ctx, c)
	if err != nil {
		return nil, err
	}
	projects, err := s.allProjects(ctx, c.userID())
	if err != nil {
		return nil, err
	}
	events, err := s.allEvents(ctx, c.userID())
	if err != nil {
		return nil, err
	}
	documents, err := s.allDocuments(ctx, c.userID())
	if err != nil {
		return nil, err
	}
	content, err := archive(map[string]any{
		"account.json": userOf(account), "preferences.json": freeObject(preferences.GetJson()), "sessions.json": sessions,
		"projects.json": projects, "documents.json": documents, "events.json": events,
	})
	return &result[fileBody]{Body: &fileBody{name: "atelier-export.zip", content: content}}, err
}

// archive is a ZIP of JSON files.
func archive(files map[string]any) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, value := range files {
		f, err := z.Create(name)
		if err != nil {
			return nil, err
		}
		e := json.NewEncoder(f)
		e.SetIndent("", "  ")
		if err := e.Encode(value); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// all reads the pages of a list, as far as is exported.
func all[M, T any](page func(after *messages.PageKey) ([]M, *messages.PageKey, error), body func(M) T) ([]T, error) {
	list := []T{}
	for after := (*messages.PageKey)(nil); len(list) < mostExported; {
		found, next, err := page(after)
		if err != nil {
			return nil, err
		}
		for _, m := range found {
			list = append(list, body(m))
		}
		if after = next; after == nil {
			break
		}
	}
	return list, nil
}

func (s *Server) allSessions(ctx context.Context, c *call) ([]sessionBody, error) {
	return all(func(after *messages.PageKey) ([]*messages.Session, *messages.PageKey, error) {
		found, err := s.deps.Queries.ListSessions(ctx, &messages.SessionQuery{UserId: c.userID(), Now: messages.Micros(s.deps.Now()), Limit: 100, After: after})
		return found.GetItems(), found.GetNext(), err
	}, func(m *messages.Session) sessionBody { return sessionOf(m, c.principal.SessionID) })
}

func (s *Server) allProjects(ctx context.Context, user string) ([]json.RawMessage, error) {
	return all(func(after *messages.PageKey) ([]*messages.Project, *messages.PageKey, error) {
		found, err := s.deps.Queries.ListProjects(ctx, &messages.ProjectQuery{UserId: user, Limit: 100, After: after})
		return found.GetItems(), found.GetNext(), err
	}, func(m *messages.Project) json.RawMessage { return appendProject(nil, m) })
}

func (s *Server) allDocuments(ctx context.Context, user string) ([]*documentBody, error) {
	return all(func(after *messages.PageKey) ([]*messages.Document, *messages.PageKey, error) {
		found, err := s.deps.Queries.ListDocuments(ctx, &messages.DocumentQuery{CreatedBy: user, Limit: 100, After: after})
		return found.GetItems(), found.GetNext(), err
	}, documentOf)
}

// allEvents are those of the log of a user's account, as he may see them.
func (s *Server) allEvents(ctx context.Context, user string) ([]feedEventBody, error) {
	all := []feedEventBody{}
	q := &messages.EventQuery{Stream: messages.UserStream(user), NewestFirst: true, Limit: 100}
	for len(all) < mostExported {
		found, err := s.deps.Queries.ListEvents(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, e := range found.GetItems() {
			all = append(all, feedEventOf(e, false))
			q.BeforeSeq = e.GetSeq()
		}
		if !found.GetMore() {
			break
		}
	}
	return all, nil
}
