package main

import (
	"context"
	"fmt"

	"atelier/messages"
)

// errand carries out what waits with the mails: what an address asked for, and what is
// left to do for a user who was deleted.
func (s *server) errand(db *opened) func(ctx context.Context, m *messages.Meta, what, whom string) error {
	return func(ctx context.Context, m *messages.Meta, what, whom string) error {
		if what == messages.EraseUser {
			return s.erase(ctx, db, m, whom)
		}
		return s.Flows.Answer(ctx, m, what, whom)
	}
}

// erase takes a deleted user out of all projects, in his own name, and then overwrites
// what his events tell of him. Begun again after a failure it goes on where it was. A
// project that he began while he was deleted goes with him.
func (s *server) erase(ctx context.Context, db *opened, m *messages.Meta, user string) error {
	seen := map[string]bool{}
	for {
		page, err := db.ListProjects(ctx, &messages.ProjectQuery{UserId: user, Limit: 100})
		if err != nil {
			return err
		}
		if len(page.GetItems()) == 0 {
			return db.EraseEvents(ctx, user)
		}
		for _, p := range page.GetItems() {
			if seen[p.GetId()] {
				return fmt.Errorf("the deleted user %s is still in the project %s", user, p.GetId())
			}
			seen[p.GetId()] = true
			as := &messages.Meta{Principal: user, CommandId: m.GetCommandId() + ":" + p.GetId(), Attempt: m.GetAttempt(), Trace: m.GetTrace()}
			if p.GetOwnerId() == user {
				_, err = s.clients.projects.DeleteProject(ctx, &messages.DeleteProject{Meta: as, ProjectId: p.GetId()})
			} else {
				_, err = s.clients.projects.RemoveCollaborator(ctx, &messages.RemoveCollaborator{Meta: as, ProjectId: p.GetId(), UserId: user})
			}
			if err != nil && !messages.HasCode(err, messages.CodeNotFound) {
				return err
			}
		}
	}
}
