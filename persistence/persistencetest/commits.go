package persistencetest

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"atelier/actors/account"
	"atelier/actors/project"
	"atelier/actors/session"
	"atelier/actors/store"
	"atelier/messages"
)

// start is the first moment of the histories. Times come from the suite.
var start = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)

// newID is a fresh UUID v7.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// aggregate is what all states have; see the rule packages.
type aggregate[S any] interface {
	Clone() S
	Apply(messages.Event, messages.Stamp)
	Head() (version, seq int64)
}

// entity keeps what an activation would keep: its fence and its durable state.
type entity[S aggregate[S]] struct {
	node    string
	fence   store.Fence
	state   S
	stream  func(S) string
	changes func(S, []messages.Event) any
}

func newProject(node string) *entity[*project.State] {
	return &entity[*project.State]{
		node: node, fence: store.Fence{Kind: store.Project, ID: newID()}, state: &project.State{}, stream: project.Stream, changes: project.Changes,
	}
}

func newAccount(node string) *entity[*account.State] {
	return &entity[*account.State]{
		node: node, fence: store.Fence{Kind: store.Account, ID: newID()}, state: &account.State{}, stream: account.Stream, changes: account.Changes,
	}
}

func claimedSession(node string, c store.Claimed[*session.State]) *entity[*session.State] {
	return &entity[*session.State]{node: node, fence: c.Fence, state: c.State, stream: session.Stream, changes: session.Changes}
}

// flight is a commit under way and the state that it leads to.
type flight[S any] struct {
	commit *store.Commit
	after  S
}

// fly makes the commit of one command's events.
func (e *entity[S]) fly(at time.Time, events ...messages.Event) flight[S] {
	after := e.state.Clone()
	version, seq := after.Head()
	if len(events) > 0 {
		version++
	}
	c := &store.Commit{Fence: e.fence, Node: e.node, Next: version}
	for _, event := range events {
		if messages.Logged(event) {
			seq++
		}
		stamp := messages.Stamp{At: at, Version: version, Seq: seq}
		after.Apply(event, stamp)
		if !messages.Logged(event) {
			continue
		}
		data, err := messages.EventData(event)
		if err != nil {
			panic(err) // generated types always marshal
		}
		c.Events = append(c.Events, store.Event{
			ID: newID(), Type: event.EventType(), Seq: seq, Version: version, Actor: "actor", Trace: "trace", OccurredAt: at, Data: data,
		})
	}
	if len(events) > 0 {
		c.Stream, c.Change = e.stream(after), e.changes(after, events)
	}
	return flight[S]{c, after}
}

// land makes the flight's outcome the durable state.
func (e *entity[S]) land(f flight[S]) {
	e.state = f.after
	e.fence.Version = f.commit.Next
	if e.fence.Epoch == 0 {
		e.fence.Epoch = 1
	}
}

// keyed gives the flight's commit a command to remember.
func (f flight[S]) keyed(principal, command string) flight[S] {
	f.commit.Replies = append(f.commit.Replies, reply(principal, command))
	return f
}

func reply(principal, command string) store.Reply {
	return store.Reply{
		CommandKey: store.CommandKey{Principal: principal, Command: command}, Fingerprint: []byte("print of " + command),
		Body: []byte("reply to " + command), Expires: start.Add(24 * time.Hour),
	}
}

// Events of the histories.

func created(id, owner, name string) *messages.ProjectCreated {
	return &messages.ProjectCreated{
		ProjectId: id, Name: name, Description: proto.String("about " + name), OwnerId: owner, Status: string(project.Draft),
		Settings:  &messages.SettingsChange{Public: proto.Bool(false), MaxCollaborators: proto.Int32(10), AllowComments: proto.Bool(true)},
		CreatedAt: messages.FormatTime(start),
	}
}

func registered(id, email string) *messages.UserCreated {
	return &messages.UserCreated{
		UserId: id, Email: email, TypedEmail: "Typed." + email, Name: "User " + id[24:], Status: string(account.Active),
		Roles: []string{account.RoleUser}, PasswordHash: "$argon2id$" + id, CreatedAt: messages.FormatTime(start),
	}
}

func address(id string) string { return fmt.Sprintf("u%s@example.org", id) }
