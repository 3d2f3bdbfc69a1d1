package persistencetest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"atelier/actors/account"
	"atelier/actors/project"
	"atelier/messages"
)

// Texts that have tripped up databases.
var texts = []string{"plain", "O'Hara \"x\" \\ %_", "日本語 🎨", "  spaces  ", "a\nb\tc", "{}", "[\"a\",\"b\"]", "null", "ẞ İ ı ﬁ", "'; --", "$1 $$"}

func (w *world) text() string { return texts[w.random.IntN(len(texts))] }

func (w *world) user() string { return w.users[w.random.IntN(len(w.users))].fence.ID }

// flip is present half the time.
func flip[T any](w *world, v T) *T {
	if w.random.IntN(2) == 0 {
		return nil
	}
	return &v
}

// someProjects are up to three projects, new ones among them.
func (w *world) someProjects() []*entity[*project.State] {
	if w.random.IntN(4) == 0 || len(w.projects) < 3 {
		w.projects = append(w.projects, newProject("n1"))
	}
	var some []*entity[*project.State]
	for _, i := range w.random.Perm(len(w.projects))[:min(3, len(w.projects))] {
		if p := w.projects[i]; p.state.Exists() || p.fence.Epoch == 0 {
			some = append(some, p)
		}
	}
	return some
}

// projectCommands are one to five commands of a project's flight. Refused ones
// decide nothing, as in life.
func (w *world) projectCommands(p *entity[*project.State]) (commands []func(*project.State) []messages.Event) {
	for range 1 + w.random.IntN(5) {
		commands = append(commands, func(s *project.State) []messages.Event {
			if !s.Exists() {
				if p.fence.Epoch > 0 || s.Seq > 0 {
					return nil // ids are not used again
				}
				return must(w.t)(project.Create(s, &messages.CreateProject{
					Meta: &messages.Meta{Principal: w.user()}, ProjectId: p.fence.ID, Name: w.text(), Description: w.text(),
					Settings: &messages.SettingsChange{Public: flip(w, true), MaxCollaborators: flip(w, int32(4)), AllowComments: flip(w, false)},
				}, w.now))
			}
			return w.projectCommand(s)
		})
	}
	return commands
}

func (w *world) projectCommand(s *project.State) (events []messages.Event) {
	meta, id := &messages.Meta{Principal: string(s.Owner)}, string(s.ID)
	member := w.user()
	if members := s.Members(); len(members) > 0 && w.random.IntN(2) == 0 {
		member = string(members[w.random.IntN(len(members))].User)
	}
	role := []string{"", "viewer", "commenter", "editor", "admin"}[w.random.IntN(5)]
	switch n := w.random.IntN(26); {
	case n >= 20:
		events = w.documentCommand(s, meta)
	case n < 7:
		events, _ = project.AddCollaborator(s, &messages.AddCollaborator{Meta: meta, ProjectId: id, UserId: w.user(), Role: role}, w.now)
	case n < 10:
		events, _ = project.ChangeRole(s, &messages.ChangeRole{Meta: meta, ProjectId: id, UserId: member, Role: role}, w.now)
	case n < 13:
		events, _ = project.RemoveCollaborator(s, &messages.RemoveCollaborator{Meta: meta, ProjectId: id, UserId: member}, w.now)
	case n < 16:
		events, _ = project.Update(s, &messages.UpdateProject{
			Meta: meta, ProjectId: id, Name: flip(w, w.text()), Description: flip(w, w.text()),
			Settings: &messages.SettingsChange{Public: flip(w, w.random.IntN(2) == 0), MaxCollaborators: flip(w, int32(w.random.IntN(6)))},
		}, w.now)
	case n < 17:
		events, _ = project.Activate(s, &messages.ActivateProject{Meta: meta, ProjectId: id}, w.now)
	case n < 18:
		events, _ = project.ArchiveActive(s, &messages.ArchiveProject{Meta: meta, ProjectId: id}, w.now)
	case n < 19:
		events, _ = project.Restore(s, &messages.RestoreProject{Meta: meta, ProjectId: id}, w.now)
	default:
		events, _ = project.Remove(s, &messages.DeleteProject{Meta: meta, ProjectId: id}, w.now)
	}
	return events
}

func (w *world) documentCommand(s *project.State, meta *messages.Meta) (events []messages.Event) {
	ids := slices.Sorted(maps.Keys(s.Documents()))
	if len(ids) < 2 || w.random.IntN(3) == 0 {
		events, _ = project.CreateDocument(s, &messages.CreateDocument{Meta: meta, DocumentId: newID(), Name: w.text()}, w.now)
		return events
	}
	id := string(ids[w.random.IntN(len(ids))])
	switch w.random.IntN(3) {
	case 0:
		events, _ = project.RenameDocument(s, &messages.RenameDocument{Meta: meta, DocumentId: id, Name: w.text()}, w.now)
	case 1:
		events, _ = project.CreateVersion(s, &messages.CreateVersion{Meta: meta, DocumentId: id, VersionId: newID(), Name: w.text()}, w.now)
	default:
		events, _ = project.DeleteDocument(s, &messages.DeleteDocument{Meta: meta, DocumentId: id}, w.now)
	}
	return events
}

// accountCommands are one to four commands of an account's flight.
func (w *world) accountCommands(user *entity[*account.State]) (commands []func(*account.State) []messages.Event) {
	for range 1 + w.random.IntN(4) {
		commands = append(commands, func(s *account.State) []messages.Event { return w.accountCommand(s, user.fence.ID) })
	}
	return commands
}

func (w *world) accountCommand(s *account.State, id string) (events []messages.Event) {
	self, admin := &messages.Meta{Principal: id}, &messages.Meta{Principal: newID(), Roles: []string{account.RoleAdmin}}
	switch n := w.random.IntN(20); {
	case n < 6:
		events, _ = account.Open(s, &messages.OpenSession{
			Meta: self, UserId: id, SessionId: newID(), CredentialVersion: s.CredentialVersion, Ip: "192.0.2.1", UserAgent: w.text(),
			Amr: []string{"pwd", "otp"}[:1+w.random.IntN(2)], LifetimeUs: int64(time.Duration(1+w.random.IntN(400)) * time.Hour / time.Microsecond),
		}, w.now)
	case n < 10: // any that is open by now, also one of this flight
		if open := slices.Sorted(maps.Keys(s.Sessions)); len(open) > 0 {
			session := string(open[w.random.IntN(len(open))])
			events, _ = account.End(s, &messages.EndSession{Meta: self, UserId: id, SessionId: session, Reason: messages.EndedByUser}, w.now)
		}
	case n < 11:
		events, _ = account.EndOthers(s, &messages.EndOtherSessions{Meta: self, UserId: id}, w.now)
	case n < 13:
		events, _ = account.Update(s, &messages.UpdateAccount{
			Meta: self, UserId: id, Name: flip(w, w.text()), Profile: &messages.ProfileChange{Bio: flip(w, w.text()), Location: flip(w, w.text())},
		}, w.now)
	case n < 15:
		patch := fmt.Sprintf(`{"a":%d,"%d":{"x":null,"y":1e400,"z":"\u0000\u2028"}}`, w.random.IntN(9), w.random.IntN(9))
		events, _ = account.UpdatePreferences(s, &messages.UpdatePreferences{Meta: self, UserId: id, Patch: []byte(patch)}, w.now)
	case n < 16:
		events, _ = account.ChangePassword(s, &messages.ChangePassword{
			Meta: self, UserId: id, CredentialVersion: s.CredentialVersion, PasswordHash: "hash" + newID(),
		}, w.now)
	case n < 17:
		until := flip(w, messages.Micros(w.now.Add(time.Hour)))
		events, _ = account.Suspend(s, &messages.SuspendUser{Meta: admin, UserId: id, Reason: w.text(), Until: zero(until)}, w.now)
	case n < 18:
		events, _ = account.Reactivate(s, &messages.ReactivateUser{Meta: admin, UserId: id}, w.now)
	case n < 19:
		events, _ = account.SetRoles(s, &messages.SetRoles{Meta: admin, UserId: id, Roles: []string{account.RoleUser, account.RoleSupport}[:1+w.random.IntN(2)]}, w.now)
	default:
		events, _ = account.Deactivate(s, &messages.DeactivateUser{Meta: admin, UserId: id}, w.now)
	}
	return events
}

func zero(v *int64) int64 {
	if v == nil {
		return 0
	}
	return *v
}
