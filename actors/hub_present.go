package actors

import (
	"context"
	"strconv"
	"sync"
	"time"

	"atelier/actors/room"
	"atelier/messages"
)

const (
	gather     = 50 * time.Millisecond // after changes of who is there have left, for so long others are gathered
	maxState   = 4 << 10               // bytes of what a user says of himself
	maxPresent = 10_000                // users of one node in one project
	hereAtOnce = 256                   // users in one message
	hereSize   = 128 << 10             // and their bytes
)

// presenceOfTopic is who is in a project, on this node and on all of them. All of it
// but the first is under the topic's mu.
type presenceOfTopic struct {
	saying    sync.Mutex // held from a report's number until it waits for the owner; before mu
	share     room.Set   // what the sockets of this node report
	reported  int64      // number of the last report to the owner; 0: there was none
	reporting bool       // one is about to leave
	left      time.Time  // when the last one did
	mirror    room.Mirror
	synced    bool      // the mirror shows who is there
	awaited   bool      // the owner has said that it sends the whole
	asking    bool      // the owner is about to be asked for the whole
	fresh     []*member // those who were not told the whole yet
	quiet     time.Time // nothing is told before, so that who watches can take what was told
	waiting   bool      // for that
}

// Enter shows a user in a project, by one of his sockets, with what he says of
// himself; again: he says something else.
func (h *Hub) Enter(ctx context.Context, project, socket string, p messages.Present) error {
	if len(p.State) > maxState {
		return messages.Refuse(messages.CodePayloadTooLarge, "a presence state may have at most %d bytes", maxState)
	}
	for {
		t, err := h.openTopic(ctx, messages.Topic{Kind: messages.TopicProject, ID: project})
		if err != nil {
			return err
		}
		if ok, err := t.enter(socket, room.Member{Present: p, At: time.Now().UnixMicro()}); ok {
			return err
		}
	}
}

// Leave shows a user no longer by a socket.
func (h *Hub) Leave(project, socket string) {
	t := h.topics.find(messages.Topic{Kind: messages.TopicProject, ID: project})
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.room.share.Drop(socket)
	t.report()
}

func (t *topic) enter(socket string, m room.Member) (ok bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false, nil
	}
	if t.room.share.Len() >= maxPresent && !t.room.share.Has(socket) {
		return true, errOverloaded
	}
	t.room.share.Put(socket, m)
	t.report()
	return true, nil
}

// Presence is who is in a project now.
func (h *Hub) Presence(ctx context.Context, project string) ([]messages.Present, error) {
	once := make(onlooker, 1)
	_, stop, err := h.Watch(ctx, messages.Topic{Kind: messages.TopicProject, ID: project}, once)
	if err != nil {
		return nil, err
	}
	defer stop()
	select {
	case all := <-once:
		return all, nil
	case <-ctx.Done():
		return nil, messages.Refuse(messages.CodeTimeout, "the request was not answered in time")
	}
}

// onlooker watches until it has seen who is there.
type onlooker chan []messages.Present

func (o onlooker) Committed(*messages.Batch)  {}
func (o onlooker) Signals([]*messages.Signal) {}
func (o onlooker) Lost()                      { o.see(nil) }

func (o onlooker) Present(c *messages.PresenceChange) {
	if c.Whole {
		o.see(c.All)
	}
}

func (o onlooker) see(all []messages.Present) {
	select {
	case o <- all:
	default:
	}
}

// report lets what has changed here leave for the owner in a moment; under mu.
func (t *topic) report() {
	if t.room.reporting || !t.room.share.Changed() {
		return
	}
	t.room.reporting = true
	time.AfterFunc(time.Until(t.room.left.Add(gather)), func() { t.hub.goDo(func() { t.reportNow(false) }) })
}

// goReport has all who are here reported anew.
func (t *topic) goReport() { t.hub.goDo(func() { t.reportNow(true) }) }

// reportNow tells the owner what has changed here, or all.
func (t *topic) reportNow(whole bool) {
	t.room.saying.Lock()
	defer t.room.saying.Unlock()
	t.mu.Lock()
	t.room.reporting, t.room.left = false, time.Now()
	before := t.room.reported
	here, gone := t.room.share.Changes()
	if whole {
		here, gone = t.room.share.All(), nil
	}
	if !whole && len(here)+len(gone) == 0 {
		t.mu.Unlock()
		return
	}
	number := t.hub.said.Add(1)
	t.room.reported = number
	t.mu.Unlock()
	for _, part := range presenceParts(&messages.Presence{From: before, To: number, Whole: whole}, here, gone) {
		t.hub.sendUp(t.name, &messages.Pushed{Presence: []*messages.Presence{part}})
	}
}

// presenceParts cuts a change into parts that can be sent. Those of a whole say
// which they are; others follow one another by themselves.
func presenceParts(p *messages.Presence, here []room.Member, gone []string) (parts []*messages.Presence) {
	for {
		part := &messages.Presence{Room: p.GetRoom(), From: p.GetFrom(), To: p.GetTo(), Whole: p.GetWhole(), Young: p.GetYoung()}
		n, size := 0, 0
		for n < len(here) && n < hereAtOnce && size < hereSize {
			m := here[n]
			part.Here = append(part.Here, &messages.Here{UserId: m.UserID, Name: m.Name, State: m.State, At: m.At})
			size += len(m.State) + len(m.Name) + 64
			n++
		}
		here = here[n:]
		if len(here) == 0 {
			part.Gone = gone
		}
		if part.More = len(here) > 0; p.GetWhole() {
			part.From = int64(len(parts))
		}
		if parts = append(parts, part); !part.More {
			return parts
		}
	}
}

// membersOf are the users of a message.
func membersOf(p *messages.Presence) (here []room.Member) {
	for _, one := range p.GetHere() {
		here = append(here, room.Member{Present: messages.Present{UserID: one.GetUserId(), Name: one.GetName(), State: one.GetState()}, At: one.GetAt()})
	}
	return here
}

// watching is what the owner is told of the topic.
func (t *topic) watching() *messages.Watching {
	w := &messages.Watching{Kind: t.name.Kind, Id: t.name.ID}
	t.mu.Lock()
	defer t.mu.Unlock()
	w.Room, w.Mirror = t.room.mirror.At()
	if t.room.mirror.Len() == 0 {
		w.Room, w.Mirror = "", 0 // where nobody is merged there either, all is said
	}
	if t.room.share.Len() > 0 {
		w.Share = t.room.reported
	}
	t.room.asking = false
	return w
}

// birth names what this process counts.
func (h *Hub) birth() string { return h.node + "/" + strconv.FormatInt(h.said.Add(1), 36) }
