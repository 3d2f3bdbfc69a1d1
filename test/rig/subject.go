package rig

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// Subject is a project under observation: the users that may be let in, by their
// numbers, and the history of everything asked.
type Subject struct {
	ID      string
	Users   []string
	History *History

	highest int // limit that workers set
}

// Observe begins the observation of a new project of the client's user.
func (s *Scenario) Observe(ctx context.Context, c *Client, name string, users []*User, limit int) *Subject {
	s.Helper()
	p, r := c.CreateProject(ctx, name, limit)
	if p == nil {
		s.Fatalf("a project was not created: %s", r)
	}
	subject := &Subject{ID: p.ID, History: NewHistory(p), highest: len(users) * 2 / 3}
	for _, u := range users {
		subject.Users = append(subject.Users, u.ID)
	}
	return subject
}

// Worker asks one thing after the other of one project through one node.
type Worker struct {
	subject *Subject
	client  *Client
	caller  int
	random  *rand.Rand
	seen    int64 // head of the log, when it last looked
}

// Worker makes a worker with choices of its own.
func (s *Subject) Worker(c *Client, random *rand.Rand) *Worker {
	return &Worker{subject: s, client: c, caller: s.History.Caller(), random: random}
}

// Run works until ctx ends. The operation under way is carried to its end.
func (w *Worker) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if out := w.Do(context.WithoutCancel(ctx), w.choose()); out.Outcome != Answered {
			time.Sleep(breath) // the node is away, or has too much to do
		}
	}
}

const breath = 10 * time.Millisecond

// choose is the next thing to ask: three changes for two looks.
func (w *Worker) choose() Input {
	in := Input{User: w.random.IntN(len(w.subject.Users)), Since: w.seen}
	in.Role = int8(1 + w.random.IntN(len(roles)-1))
	in.Limit = w.random.IntN(w.subject.highest + 1)
	actions := []Action{AddMember, AddMember, AddMember, RemoveMember, RemoveMember, ChangeRole, ChangeLimit, Read, Read, ReadRole, ReadRoles, ReadEvents}
	in.Action = actions[w.random.IntN(len(actions))]
	return in
}

// Do carries out one operation and records it.
func (w *Worker) Do(ctx context.Context, in Input) Output {
	in.Node = w.client.Node.Name
	call := clock()
	out := w.ask(ctx, in)
	w.caller = w.subject.History.add(w.caller, in, call, out)
	if in.Action == ReadEvents && out.Outcome == Answered {
		w.seen = out.Seq
	}
	return out
}

func (w *Worker) ask(ctx context.Context, in Input) Output {
	c, id, user := w.client, w.subject.ID, w.subject.Users[in.User]
	switch in.Action {
	case AddMember:
		return w.changed(in, c.Add(ctx, id, user, roles[in.Role]))
	case RemoveMember:
		return outcome(c.Remove(ctx, id, user))
	case ChangeRole:
		return w.changed(in, c.ChangeRole(ctx, id, user, roles[in.Role]))
	case ChangeLimit:
		return w.seenProject(c.SetLimit(ctx, id, in.Limit))
	case Read:
		return w.seenProject(c.Project(ctx, id))
	case ReadRoles:
		names, r := c.Roles(ctx, id)
		out := outcome(r)
		for user, name := range names {
			out.Members[w.number(user)] = Role(name)
		}
		return out
	case ReadRole:
		name, r := c.RoleOf(ctx, id, user)
		out := outcome(r)
		out.Role = Role(name)
		return out
	default:
		page, r := c.Events(ctx, id, in.Since)
		out := outcome(r)
		out.Events, out.Seq = len(page), in.Since
		for i, e := range page {
			if out.Seq = e.Seq; e.Seq != in.Since+int64(i)+1 {
				out.Code = "gap in seq" // fits no state
				break
			}
		}
		return out
	}
}

// number of a user; strangers share the last one, which nobody has.
func (w *Worker) number(user string) int {
	if i := slices.Index(w.subject.Users, user); i >= 0 {
		return i
	}
	return maxMembers - 1
}

func outcome(r *Reply) Output {
	out := Output{Outcome: r.Outcome, Code: r.Code}
	if r.Outcome == Answered && r.Status >= 400 && r.Code == "" {
		out.Code = http.StatusText(r.Status)
	}
	return out
}

// changed is the answer that shows one collaborator.
func (w *Worker) changed(in Input, r *Reply) Output {
	out := outcome(r)
	var body struct {
		UserID string `json:"user_id"`
		Role   string `json:"role"`
	}
	if r.Into(&body) == nil {
		out.Version, out.Role = r.Version(), Role(body.Role)
		if body.UserID != w.subject.Users[in.User] {
			out.Code = "answer about another user"
		}
	}
	return out
}

// seenProject is the answer that shows the whole project.
func (w *Worker) seenProject(p *Project, r *Reply) Output {
	out := outcome(r)
	if p == nil {
		return out
	}
	out.Version, out.Seq, out.Limit, out.Count = p.Version, p.Seq, p.Settings.MaxCollaborators, p.CollaboratorCount
	for _, user := range p.Collaborators {
		out.Members[w.number(user)] = 1
	}
	return out
}
