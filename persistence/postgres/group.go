package postgres

import (
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"atelier/actors/account"
	"atelier/actors/document"
	"atelier/actors/project"
	"atelier/actors/session"
	"atelier/actors/store"
	"atelier/messages"
)

// flight is the n-th commit of a group.
type flight struct {
	n      int32
	id     pgtype.UUID
	commit *store.Commit
}

// sorted is a group by the statement that writes each commit.
type sorted struct {
	newAccounts, accounts, sessions           []flight
	goneAccounts                              []flight
	newProjects, projects, goneProjects       []flight
	checkAccount, checkSession, checkProjects []flight
	documents, checkDocuments                 []flight
}

// sort distributes the commits, in the order of their ids: two groups that want
// the same rows of a table wait for each other in one order.
func sort(group []*store.Commit, indices []int) *sorted {
	slices.SortFunc(indices, func(a, b int) int { return strings.Compare(group[a].ID, group[b].ID) })
	s := &sorted{}
	for _, i := range indices {
		c := group[i]
		to := s.place(c)
		*to = append(*to, flight{int32(i), key(c.ID), c})
	}
	// New accounts meet those of other nodes by their addresses.
	slices.SortFunc(s.newAccounts, func(a, b flight) int { return strings.Compare(accountOf(a).Email, accountOf(b).Email) })
	return s
}

func (s *sorted) place(c *store.Commit) *[]flight {
	switch change := c.Change.(type) {
	case *account.Change:
		if change.Created {
			return &s.newAccounts
		}
		if change.Erased {
			return &s.goneAccounts
		}
		return &s.accounts
	case *session.Change:
		return &s.sessions
	case *project.Change:
		switch {
		case change.Created && change.Deleted: // within one flight: only the log remembers
			return &s.checkProjects
		case change.Created:
			return &s.newProjects
		case change.Deleted:
			return &s.goneProjects
		}
		return &s.projects
	case *document.Change:
		return &s.documents
	}
	switch c.Kind {
	case store.Account:
		return &s.checkAccount
	case store.Session:
		return &s.checkSession
	case store.Project:
		return &s.checkProjects
	case store.Document:
		return &s.checkDocuments
	default:
		panic("postgres: no table for " + string(c.Kind))
	}
}

// queue adds the statements. Sessions come first: accounts end them too, and
// all rows of sessions are locked before any of an account is.
func (s *sorted) queue(b *batch) {
	b.lockSessions(s)
	b.add(s.sessions, updateSessions, updateSessionArgs, nil)
	b.add(s.newAccounts, insertAccounts, accountArgs, errEmailTaken)
	b.add(s.accounts, updateAccounts, accountArgs, errEmailTaken)
	b.add(s.goneAccounts, eraseAccounts, accountArgs, errOwnsProjects)
	b.add(s.newProjects, insertProjects, insertProjectArgs, errUnknownUser)
	b.add(s.projects, updateProjects, updateProjectArgs, errUnknownUser)
	b.add(s.goneProjects, deleteProjects, fenceArgs, nil)
	b.projectDocuments(s)
	b.add(s.documents, updateDocuments, updateDocumentArgs, nil)
	b.foldDocuments(s.documents)
	b.add(s.checkAccount, checkAccounts, fenceArgs, nil)
	b.add(s.checkSession, checkSessions, fenceArgs, nil)
	b.add(s.checkProjects, checkProjects, fenceArgs, nil)
	b.add(s.checkDocuments, checkDocuments, fenceArgs, nil)
}

var (
	errEmailTaken   = messages.Refuse(messages.CodeEmailTaken, "an account with this e-mail address exists already")
	errOwnsProjects = messages.Refuse(messages.CodeOwnsProjects, "the user owns projects: transfer or delete them first")
	errUnknownUser  = messages.Missing("user")
)

// fence is what a commit asks of its row: the first columns of every input c,
// which is the first input.
var fence = []string{"n int", "id uuid", "epoch bigint", "version bigint"}

// byID joins the rows p of the commits.
const byID = `p.id = ANY ($2::uuid[]) AND p.id = c.id`

func (a *arguments) fences(flights []flight) {
	a.add(0,
		int4s(flights, func(f flight) int32 { return f.n }),
		uuids(flights, func(f flight) pgtype.UUID { return f.id }),
		int8s(flights, func(f flight) int64 { return f.commit.Epoch }),
		int8s(flights, func(f flight) int64 { return f.commit.Version }))
}

func fenceArgs(a *arguments, flights []flight) {
	a.fences(flights)
	a.commands(flights)
	a.events(flights)
}

// Checks write no row: the fence must hold, or, for epoch 0, there must be no row.
var (
	checkAccounts  = variants(check("users"))
	checkSessions  = variants(check("sessions"))
	checkProjects  = variants(check("projects"))
	checkDocuments = variants(check("document_logs"))
)

func check(table string) func(q *composition) string {
	return func(q *composition) string {
		q.input("c", fence...)
		q.commands()
		q.table("failed", `SELECT c.n FROM c `+rowOf(table)+` WHERE (`+holds+` AND `+q.free()+`) IS NOT TRUE`)
		q.record()
		q.remember()
		return q.text()
	}
}

// failedRows are the commits whose row was not written.
func (q *composition) failedRows() {
	q.table("failed", `SELECT n FROM c WHERE (id IN (SELECT id FROM done)) IS NOT TRUE`)
}

// failedInserts are those of them whose row is new.
func (q *composition) failedInserts() {
	switch {
	case q.has(withDoubt):
		q.failedRows()
	case q.has(withSearch):
		q.table("failed", `SELECT n FROM known WHERE own`)
	default:
		q.certain = true
	}
}

func uuid(s string) (pgtype.UUID, bool) {
	b, ok := messages.ParseUUID(s)
	return pgtype.UUID{Bytes: b, Valid: ok}, ok
}

// key is null for texts that are no UUID: they are the id of nothing.
func key(s string) pgtype.UUID {
	u, _ := uuid(s)
	return u
}

func text(u pgtype.UUID) string { return messages.FormatUUID(u.Bytes) }

func micros(us int64) pgtype.Timestamptz { return stamp(messages.Time(us)) }

// stamp is null for the zero time.
func stamp(t time.Time) pgtype.Timestamptz { return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()} }
