package http

import (
	"context"
	stdjson "encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"atelier/messages"
)

type subBody struct {
	Sub subscribed `json:"sub"`
}

type subscribed struct {
	Project string     `json:"project"`
	Log     string     `json:"log"`
	Head    int64      `json:"head"`
	Role    string     `json:"role"`
	Mode    string     `json:"mode"`
	State   freeObject `json:"state,omitempty"`
}

// sub begins to watch a project, from a position on or from now. One that is watched
// already is watched anew.
//
// As many subs as a socket may have at one time cost nothing: a page that comes back
// asks for all it shows. Of more each costs as much as a request, as does one for what
// is watched already, and one that is refused: else projects could be guessed for
// nothing. Where the budget is used up nobody learns that either.
func (ch *channel) sub(ctx context.Context, m *asked) error {
	free := ch.subbed < maxSubs && !ch.watches(m.Project)
	if free {
		ch.subbed++
	} else if err := ch.charge(ctx); err != nil {
		return err
	}
	err := ch.watch(ctx, m)
	if err == nil || !free || !refusing(err) {
		return err
	}
	if spent := ch.charge(ctx); spent != nil {
		ch.subbed = maxSubs // those that follow are not even looked at
		return spent
	}
	return err
}

func (ch *channel) watches(project string) bool {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.subs[project] != nil
}

func (ch *channel) watch(ctx context.Context, m *asked) error {
	if !messages.ValidID(m.Project) {
		return messages.Invalid("/project", "format", "project must be the id of one")
	}
	ch.drop(m.Project)
	u := &subscription{server: ch.server, socket: ch.socket, wire: jsonWire{}, project: m.Project, who: ch.meta, self: ch.id}
	u.ended = func() { ch.forget(u) }
	u.outside = func() { ch.leave(u.project) }
	if len(m.ID) > 0 {
		id := m.ID.Clone() // of a frame that may be large
		u.refused = func(err error) []byte { return ch.refusal(id, ch.server.refusal(err, ch.requestID)) }
	}
	ch.mu.Lock()
	full := len(ch.subs) >= maxSubs
	if !full {
		ch.subs[m.Project] = u
	}
	ch.mu.Unlock()
	if full {
		return messages.Refuse(messages.CodeInvalidState, "a socket watches at most %d projects", maxSubs)
	}
	err := u.open(ctx, ch.party(), m.Since, func(b beginning) []byte {
		if len(m.ID) == 0 {
			return nil
		}
		text, _ := stdjson.Marshal(subBody{subscribed{m.Project, ch.server.config.LogID, b.head, b.role, b.mode, b.state}})
		return replied(m.ID, text)
	})
	if err != nil {
		ch.forget(u)
	}
	return err
}

// drop ends a subscription, if there is one.
func (ch *channel) drop(project string) bool {
	ch.mu.Lock()
	u := ch.subs[project]
	ch.mu.Unlock()
	if u == nil {
		return false
	}
	u.finish()
	ch.forget(u)
	return true
}

func (ch *channel) unsub(m *asked) (any, error) {
	if !ch.drop(m.P) {
		return nil, messages.Missing("subscription")
	}
	return okBody{struct{}{}}, nil
}

// watched is the subscription to a project, in which the caller is something.
func (ch *channel) watched(project string) (*subscription, error) {
	ch.mu.Lock()
	u := ch.subs[project]
	ch.mu.Unlock()
	if u == nil {
		return nil, messages.Missing("subscription")
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stranger() {
		return nil, messages.Refuse(messages.CodeForbidden, "who reads a public project is not seen or heard in it")
	}
	return u, nil
}

// presence shows the user in a project, or no longer.
func (ch *channel) presence(ctx context.Context, m *asked) (any, error) {
	if _, err := ch.watched(m.P); err != nil {
		return nil, err
	}
	switch {
	case len(m.Set) == 0 || m.Set.Kind() == 'n':
		ch.leave(m.P)
		return okBody{struct{}{}}, nil
	case m.Set.Kind() != '{' || len(m.Set) > maxPresence:
		return nil, messages.Invalid("/set", "format", "set must be an object of at most %d bytes, or null", maxPresence)
	}
	ch.mu.Lock()
	p := messages.Present{UserID: ch.who.UserID, Name: ch.name, State: []byte(m.Set.Clone())}
	ch.mu.Unlock()
	if err := ch.server.deps.Live.Enter(ctx, m.P, ch.id.String(), p); err != nil {
		return nil, err
	}
	if _, err := ch.watched(m.P); err != nil { // the subscription has ended meanwhile, and has left before
		ch.leave(m.P)
		return nil, err
	}
	return okBody{struct{}{}}, nil
}

// A signal to a project says which socket it is from, so that that one does not hear
// itself, and the message.
const signalID = len(uuid.UUID{})

// broadcast tells all others who watch a project, at most once.
func (ch *channel) broadcast(m *asked) (any, error) {
	if _, err := ch.watched(m.P); err != nil {
		return nil, err
	}
	if m.D.Kind() != '{' || len(m.D) > maxBroadcast {
		return nil, messages.Invalid("/d", "format", "d must be an object of at most %d bytes", maxBroadcast)
	}
	text, err := stdjson.Marshal(told{Kind: "broadcast", Project: m.P, By: ch.party().UserID, Data: stdjson.RawMessage(m.D)})
	if err != nil {
		return nil, err
	}
	ch.server.deps.Live.Signal(messages.Topic{Kind: messages.TopicProject, ID: m.P}, append(ch.id[:], text...))
	return okBody{struct{}{}}, nil
}

type seqBody struct {
	Seq      int64 `json:"seq"`
	Replayed bool  `json:"replayed,omitempty"`
}

// command changes something. Its key makes it once of many, as an Idempotency-Key
// does: it is the same, in the same table.
func (ch *channel) command(ctx context.Context, m *asked) (any, error) {
	if !visible(m.Key) {
		return nil, messages.Invalid("/key", "format", "key must be 1 to 255 visible ASCII characters")
	}
	if err := ch.charge(ctx); err != nil {
		return nil, err
	}
	ctx, outcome := messages.WithOutcome(ctx)
	meta := ch.meta()
	meta.CommandId, meta.Fingerprint, meta.Trace = "k:"+m.Key, m.digest(), newTrace()
	switch m.Type {
	case "project.update":
		c := &messages.UpdateProject{Meta: meta, ProjectId: m.P}
		if err := updateOf(m, c); err != nil {
			return nil, err
		}
		p, err := ch.server.deps.Projects.UpdateProject(ctx, c)
		if err != nil {
			return nil, err
		}
		return okBody{seqBody{p.GetSeq(), outcome.Replayed}}, nil
	}
	return nil, messages.Invalid("/type", "enum", "type is project.update")
}

// charge takes a message from the user's budget, as a request.
func (ch *channel) charge(ctx context.Context) error {
	s := ch.server
	if s.deps.Limits == nil {
		return nil
	}
	return s.overdrawn(&s.ofUsers, s.ofUsers.Take(ctx, ch.party().UserID))
}

// updateOf reads the change of a project, by the bounds that the same has over HTTP.
func updateOf(m *asked, c *messages.UpdateProject) error {
	var d struct {
		Name        *string `json:"name"`
		Description *string `json:"description"`
	}
	if err := json.Unmarshal(m.D, &d, json.RejectUnknownMembers(true)); err != nil || d.Name == nil && d.Description == nil {
		return messages.Invalid("/d", "format", "d must be an object with name, description or both")
	}
	if d.Name != nil {
		if n := utf8.RuneCountInString(*d.Name); n < 1 || n > 100 || strings.IndexByte(*d.Name, 0) >= 0 {
			return messages.Invalid("/d/name", "out_of_range", "a name has 1 to 100 characters")
		}
	}
	if d.Description != nil && (utf8.RuneCountInString(*d.Description) > 500 || strings.IndexByte(*d.Description, 0) >= 0) {
		return messages.Invalid("/d/description", "out_of_range", "a description has at most 500 characters")
	}
	c.Name, c.Description = d.Name, d.Description
	return nil
}
