package http

import (
	"context"
	"encoding/hex"
	stdjson "encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"atelier/messages"
)

type subBody struct {
	Sub struct {
		Project string     `json:"project"`
		Log     string     `json:"log"`
		Head    int64      `json:"head"`
		Role    string     `json:"role"`
		Mode    string     `json:"mode"`            // live, replay or reset
		State   freeObject `json:"state,omitempty"` // a project
	} `json:"sub"`
}

// sub begins to watch a project, from a position on or from now. One that is watched
// already is watched anew.
func (ch *channel) sub(ctx context.Context, m *asked) error {
	if !messages.ValidID(m.Project) {
		return messages.Invalid("/project", "format", "project must be the id of one")
	}
	ch.drop(m.Project)
	u := &subscription{server: ch.server, socket: ch.socket, wire: jsonWire{}, project: m.Project, who: ch.meta}
	u.ended = func() { ch.forget(u) }
	u.signals = ch.signalled
	u.outside = func() { ch.server.deps.Live.Leave(u.project, ch.id) }
	ch.mu.Lock()
	full := len(ch.subs) >= maxSubs
	if !full {
		ch.subs[m.Project] = u
	}
	ch.mu.Unlock()
	if full {
		return messages.Refuse(messages.CodeInvalidState, "a socket watches at most %d projects", maxSubs)
	}
	p := ch.party()
	if err := u.start(ctx, p.UserID, p.SessionID); err != nil {
		ch.forget(u)
		return err
	}
	from, mode, state, err := u.begin(ctx, m.Since)
	if err != nil {
		u.finish()
		ch.forget(u)
		return err
	}
	err = u.answer(from, func(head int64, role string) []byte {
		if len(m.ID) == 0 {
			return nil
		}
		var b subBody
		b.Sub.Project, b.Sub.Log, b.Sub.Head, b.Sub.Role, b.Sub.Mode, b.Sub.State = m.Project, ch.server.config.LogID, head, role, mode, state
		text, _ := stdjson.Marshal(&b)
		return replied(m.ID, text)
	})
	if err != nil {
		u.finish()
		ch.forget(u)
	}
	return err
}

// begin is where a subscription begins: where the client says, or, where that cannot
// be, with a snapshot. What is watched may be behind what the client has read.
func (u *subscription) begin(ctx context.Context, at *since) (from int64, mode string, state freeObject, err error) {
	head := u.position()
	ours := at != nil && at.Log == u.server.config.LogID && at.Seq >= 0
	switch {
	case at == nil:
		return head, "live", nil, nil
	case ours && at.Seq == head:
		return head, "live", nil, nil
	case ours && at.Seq < head:
		return at.Seq, "replay", nil, nil
	}
	p, err := u.server.deps.Projects.GetProject(ctx, &messages.GetProject{Meta: u.who(), ProjectId: u.project})
	switch {
	case err != nil:
		return 0, "", nil, err
	case ours && at.Seq <= p.GetSeq():
		return at.Seq, "live", nil, nil
	}
	return p.GetSeq(), "reset", projectOf(p).appendJSON(nil), nil
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
		ch.server.deps.Live.Leave(m.P, ch.id)
		return okBody{struct{}{}}, nil
	case m.Set.Kind() != '{' || len(m.Set) > maxPresence:
		return nil, messages.Invalid("/set", "format", "set must be an object of at most %d bytes, or null", maxPresence)
	}
	ch.mu.Lock()
	p := messages.Present{UserID: ch.who.UserID, Name: ch.name, State: []byte(m.Set.Clone())}
	ch.mu.Unlock()
	if err := ch.server.deps.Live.Enter(ctx, m.P, ch.id, p); err != nil {
		return nil, err
	}
	if _, err := ch.watched(m.P); err != nil { // the subscription has ended meanwhile, and has left before
		ch.server.deps.Live.Leave(m.P, ch.id)
		return nil, err
	}
	return okBody{struct{}{}}, nil
}

// A signal to a project says which socket it is from, so that that one does not hear
// itself, and the message.
const signalID = 16

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
	ch.server.deps.Live.Signal(messages.Topic{Kind: messages.TopicProject, ID: m.P}, append(ch.mark(), text...))
	return okBody{struct{}{}}, nil
}

// mark is the socket in signals.
func (ch *channel) mark() []byte {
	id, _ := hex.DecodeString(strings.ReplaceAll(ch.id, "-", ""))
	return id
}

// signalled is the frame of a signal; nil: not for this socket.
func (ch *channel) signalled(payload []byte) []byte {
	if len(payload) < signalID || string(payload[:signalID]) == string(ch.mark()) {
		return nil
	}
	return framed(opText, payload[signalID:])
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
	if err := ch.chargeCommand(ctx); err != nil {
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

// chargeCommand takes a command from the user's budget, as a request.
func (ch *channel) chargeCommand(ctx context.Context) error {
	s := ch.server
	if s.deps.Limits == nil {
		return nil
	}
	v := s.ofUsers.Take(ctx, ch.party().UserID)
	if v.Wait == 0 {
		return nil
	}
	if s.deps.Meter != nil {
		s.deps.Meter.Limited(s.ofUsers.kind)
	}
	return messages.Refuse(messages.CodeRateLimited, "at most %s: come again in %d s", sentence(s.ofUsers.Limits()), seconds(v.Wait))
}

func visible(key string) bool {
	for i := range len(key) {
		if key[i] < '!' || key[i] > '~' {
			return false
		}
	}
	return len(key) >= 1 && len(key) <= 255
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
