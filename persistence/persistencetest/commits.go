package persistencetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
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

// openedSession is the entity of a session that was opened at this moment.
func openedSession(node string, of *entity[*account.State], opened *messages.SessionOpened, at time.Time) *entity[*session.State] {
	return &entity[*session.State]{
		node: node, fence: store.Fence{Kind: store.Session, ID: opened.GetSessionId(), Epoch: 1, Version: 1},
		state: &session.State{
			ID: messages.SessionID(opened.GetSessionId()), User: of.state.ID, CreatedAt: at, LastSeenAt: at,
			ExpiresAt: messages.ParseTime(opened.GetExpiresAt()), IP: opened.GetIp(), UserAgent: opened.GetUserAgent(), AMR: opened.GetAmr(),
			AuthEpoch: of.state.AuthEpoch, Version: 1,
		},
		stream: session.Stream, changes: session.Changes,
	}
}

// flight is a commit under way and the state that it leads to.
type flight[S any] struct {
	commit *store.Commit
	after  S
	events []messages.Event
}

// fly makes the commit of one command's events.
func (e *entity[S]) fly(at time.Time, events ...messages.Event) flight[S] {
	return e.decide(at, func(S) []messages.Event { return events })
}

// decide makes the commit of several commands, decided one after another, as
// the runtime does.
func (e *entity[S]) decide(at time.Time, commands ...func(S) []messages.Event) flight[S] {
	after := e.state.Clone()
	c := &store.Commit{Fence: e.fence, Node: e.node}
	var all []messages.Event
	for _, command := range commands {
		events := command(after)
		version, seq := after.Head()
		if slices.ContainsFunc(events, messages.RaisesVersion) {
			version++
		}
		for _, event := range events {
			if messages.Logged(event) {
				seq++
			}
			stamp := messages.Stamp{At: at, Version: version, Seq: seq}
			after.Apply(event, stamp)
			if messages.Logged(event) {
				c.Events = append(c.Events, recordOf(event, stamp))
			}
		}
		all = append(all, events...)
	}
	c.Next, _ = after.Head()
	if len(all) > 0 {
		c.Stream, c.Change = e.stream(after), e.changes(after, all)
	}
	return flight[S]{c, after, all}
}

func recordOf(event messages.Event, at messages.Stamp) store.Event {
	data, err := messages.EventData(event)
	if err != nil {
		panic(err) // generated types always marshal
	}
	return store.Event{
		ID: newID(), Type: event.EventType(), Seq: at.Seq, Version: at.Version, Actor: "actor", Trace: "trace", OccurredAt: at.At, Data: data, Audit: messages.AuditDetail(event),
	}
}

// land makes the flight's outcome the durable state.
func (e *entity[S]) land(f flight[S]) {
	e.state = f.after
	e.fence.Version = f.commit.Next
	if e.fence.Epoch == 0 {
		e.fence.Epoch = 1
	}
}

// commit writes and lands one command's events, which must succeed.
func (e *entity[S]) commit(t testing.TB, w store.Writer, at time.Time, events ...messages.Event) {
	t.Helper()
	f := e.fly(at, events...)
	write(t, w, f.commit)
	e.land(f)
}

// claimed is the entity as another node would now begin with it.
func (e *entity[S]) claimed(t testing.TB, from store.Claimer[S], node string) *entity[S] {
	t.Helper()
	c, err := from.Claim(t.Context(), e.fence.ID, node)
	require.NoError(t, err)
	return &entity[S]{node: node, fence: c.Fence, state: c.State, stream: e.stream, changes: e.changes}
}

// copy is a second holder of the same fence, as after a failed take-over.
func (e *entity[S]) copy() *entity[S] {
	c := *e
	c.state = e.state.Clone()
	return &c
}

// keyed gives the flight's commit a command to remember.
func (f flight[S]) keyed(principal, command string) flight[S] {
	f.commit.Replies = append(f.commit.Replies, reply(principal, command))
	return f
}

// farOff is when commands expire that shall not: engines look at the real time.
var farOff = start.AddDate(100, 0, 0)

func reply(principal, command string) store.Reply {
	return store.Reply{
		CommandKey: store.CommandKey{Principal: principal, Command: command}, Fingerprint: []byte("print of " + command),
		Body: []byte("reply to " + command), Expires: farOff,
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

func added(user *entity[*account.State], role project.Role, by string) *messages.ProjectCollaboratorAdded {
	return &messages.ProjectCollaboratorAdded{UserId: user.fence.ID, Role: string(role), AddedBy: by}
}

func renamed(name string) *messages.ProjectUpdated {
	return &messages.ProjectUpdated{Name: proto.String(name)}
}

func nameChanged(user *entity[*account.State], name string) *messages.UserUpdated {
	return &messages.UserUpdated{UserId: user.fence.ID, Name: proto.String(name)}
}

func opened(user *entity[*account.State], at time.Time) *messages.SessionOpened {
	return &messages.SessionOpened{
		UserId: user.fence.ID, SessionId: newID(), Ip: "2001:db8::1", UserAgent: "a browser", Amr: []string{"pwd", "otp"},
		ExpiresAt: messages.FormatTime(at.Add(24 * time.Hour)),
	}
}

func ended(session *messages.SessionOpened) *messages.SessionEnded {
	return &messages.SessionEnded{UserId: session.GetUserId(), SessionId: session.GetSessionId(), Reason: messages.EndedByUser}
}

func refreshed(generation uint32) *messages.SessionRefreshed {
	return &messages.SessionRefreshed{Generation: generation, Ip: "192.0.2.7", UserAgent: "another browser"}
}

func address(id string) string { return fmt.Sprintf("u%s@example.org", id) }
