package http

import (
	"context"

	"atelier/messages"
)

// beginning is what is said first of a subscription.
type beginning struct {
	from, head int64
	role       string
	mode       string     // live, replay or reset
	state      freeObject // the project, where mode is reset
}

// open begins to watch from where the client says, and has say tell how. With an error
// there is nothing to watch.
func (u *subscription) open(ctx context.Context, who *party, at *since, say func(beginning) []byte) error {
	if err := u.start(ctx, who); err != nil {
		return err
	}
	b, err := u.begin(ctx, at)
	if err == nil {
		err = u.answer(b, say)
	}
	if err != nil {
		u.finish()
	}
	return err
}

// start enters the right and begins to watch. Until answer is called nothing is
// shown.
func (u *subscription) start(ctx context.Context, who *party) error {
	u.right = &hold{socket: u.socket, user: who.userID(), session: who.sessionID(), project: u.project, check: u.ask, kept: u.kept, lost: u.lost}
	if err := u.server.holdings.enter(ctx, u.right); err != nil {
		return err
	}
	at, stop, err := u.server.deps.Live.Watch(ctx, messages.Topic{Kind: messages.TopicProject, ID: u.project}, u)
	if err != nil {
		u.right.leave()
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.phase == finished { // meanwhile
		go stop()
		return messages.Missing("project")
	}
	u.stop, u.head = stop, max(u.head, at)
	return nil
}

// begin is where a subscription begins: where the client says, or, where that cannot
// be, with a snapshot. What is watched may be behind what the client has read.
func (u *subscription) begin(ctx context.Context, at *since) (beginning, error) {
	head := u.position()
	ours := at != nil && at.Log == u.server.config.LogID && at.Seq >= 0
	switch {
	case at == nil:
		return beginning{from: head, mode: "live"}, nil
	case ours && at.Seq == head:
		return beginning{from: head, mode: "live"}, nil
	case ours && at.Seq < head:
		return beginning{from: at.Seq, mode: "replay"}, nil
	}
	p, err := u.server.deps.Projects.GetProject(ctx, &messages.GetProject{Meta: u.who(), ProjectId: u.project})
	switch {
	case err != nil:
		return beginning{}, err
	case ours && at.Seq <= p.GetSeq():
		return beginning{from: at.Seq, mode: "live"}, nil
	}
	return beginning{from: p.GetSeq(), mode: "reset", state: projectOf(p).appendJSON(nil)}, nil
}

// answer has the position shown from which on events come, and lets them. An error is
// that there are none to come.
func (u *subscription) answer(b beginning, say func(beginning) []byte) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.phase != opening || u.broken {
		return messages.Refuse(messages.CodeUnavailable, "what happens in the project cannot be told at this moment: come again")
	}
	b.head, b.role = b.from, u.role
	if b.mode == "replay" {
		b.head = max(u.head, b.from)
	}
	if text := say(b); text != nil && !u.socket.send(frame{bytes: text, of: u.right, instead: u.refused}) {
		return errSlow
	}
	u.phase, u.last, u.told = replaying, b.from, u.role
	early := u.early
	u.early = nil
	for _, one := range early {
		if !u.put(one, 0) {
			return nil // it has been answered, or is by what put did
		}
	}
	if u.last >= u.head { // what comes is known from here on
		u.pending, u.phase = nil, following
		return nil
	}
	go u.replay()
	return nil
}
