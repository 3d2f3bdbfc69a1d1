package http

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"atelier/messages"
)

// The event channel: one WebSocket for all that a client watches. docs/realtime.md is
// its protocol for those who write clients.
const (
	protocolJSON = "atelier.v1+json"

	helloTime       = 5 * time.Second
	maxFrame        = 256 << 10
	maxMessages     = 100 // in one frame
	maxSubs         = 100 // of a socket
	messageRate     = 50  // a second
	messageBurst    = 100
	abuses          = 50               // messages over the rate until the socket is closed; one a second is forgotten
	expiryGrace     = 10 * time.Second // for clocks, and for a token that is on its way
	maxBroadcast    = 16 << 10
	maxPresence     = 4 << 10
	connectDeadline = 10 * time.Second
)

var channelLimits = socketLimits{message: maxFrame, frames: queueFrames, bytes: queueBytes}

// tableRealtime is what opens sockets.
func (s *Server) tableRealtime() {
	add(s, operation{ID: "createTicket", Method: "POST", Path: "/realtime/tickets", Summary: "A ticket that opens a socket from a page that has no header to send: the event channel once, within 30 seconds, or a document for 15 minutes", Permission: signedIn, Status: 201,
		Secret: true, Codes: []string{messages.CodeNotFound}}, s.createTicket)
	add(s, operation{ID: "openRealtime", Method: "GET", Path: "/realtime", Summary: "The event channel: a WebSocket with the subprotocol " + protocolJSON, Permission: onSocket, Status: 101,
		Codes: []string{messages.CodeForbidden}}, s.openRealtime)
}

type realtimeInput struct {
	Ticket string `query:"ticket" maxLength:"400" doc:"Of POST /realtime/tickets, from pages without cookies"`
}

// openRealtime opens the event channel. Whoever must not have it is let in to be told
// so: a page does not see how its handshake was answered.
func (s *Server) openRealtime(_ context.Context, c *call, _ *realtimeInput) (*result[none], error) {
	if err := s.foreign(c.fiber); err != nil {
		return nil, err
	}
	protocol := ""
	for _, offer := range offered(c.fiber) {
		if offer == protocolJSON {
			protocol = offer
		}
	}
	if c.refused != nil {
		return nil, s.turnAway(c.fiber, protocol, channelLimits, c.refused)
	}
	ch := &channel{
		server: s, who: c.party, subs: make(map[string]*subscription), rate: newBucket(messageRate, messageBurst), abuse: newBucket(1, abuses), id: uuid.New(),
		requestID: requestID(c.fiber), ip: s.address(c.fiber).String(),
	}
	return nil, s.upgrade(c.fiber, c.party, protocol, channelLimits, ch.run)
}

// channel is an event channel. Messages are handled one after another by the socket's
// reader.
type channel struct {
	server    *Server
	socket    *socket
	id        uuid.UUID // among all sockets of all nodes
	requestID string
	ip        string
	rate      bucket
	abuse     bucket // of messages beyond the rate
	greeted   bool   // hello has come
	subbed    int    // subs that cost nothing
	waiting   *time.Timer

	mu     sync.Mutex
	who    *party // nil: he has not said
	root   *hold
	name   string // of the user
	subs   map[string]*subscription
	expiry *time.Timer
}

// run is the life of the channel.
func (ch *channel) run(sock *socket) {
	ch.socket = sock
	defer ch.end()
	ctx, cancel := within(connectDeadline)
	defer cancel()
	if err := ch.seat(ctx, ch.who); err != nil {
		sock.close(closeCodeOf(err), messages.CodeOf(err))
		return
	}
	sock.speaks(ch)
	ch.waiting = time.AfterFunc(helloTime, func() { sock.close(closeNoHello, "no hello came in time") })
	defer ch.waiting.Stop()
	for {
		op, text, err := sock.receive()
		if err != nil {
			return
		}
		ch.waiting.Stop()
		if op != opText {
			sock.close(closeBadFrame, "messages are texts")
			return
		}
		if !ch.heard(text) {
			return
		}
	}
}

// seat enters the right of a party's session in place of the one there is.
func (ch *channel) seat(ctx context.Context, p *party) error {
	root, err := ch.server.seat(ctx, ch.socket, p)
	if err != nil {
		return err
	}
	root.says(func(err error) []byte { return jsonWire{}.ended(messages.CodeOf(err)) })
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.root != nil {
		ch.root.leave()
	}
	ch.root, ch.who = root, p
	if ch.expiry != nil {
		ch.expiry.Stop()
	}
	if p != nil && !p.until.IsZero() {
		left := p.until.Sub(ch.server.deps.Now()) + expiryGrace
		ch.expiry = time.AfterFunc(max(left, 0), func() {
			ch.socket.cut(closeUnauthenticated, messages.CodeTokenExpired, jsonWire{}.ended(messages.CodeTokenExpired))
		})
	}
	return nil
}

// end lets go of what the channel holds.
func (ch *channel) end() {
	ch.mu.Lock()
	if ch.expiry != nil {
		ch.expiry.Stop()
	}
	ch.mu.Unlock()
	for _, u := range ch.all() {
		u.finish()
		ch.forget(u)
	}
}

// forget takes a subscription out, and its user from those who are there, unless he has
// subscribed anew.
func (ch *channel) forget(u *subscription) {
	ch.mu.Lock()
	ours := ch.subs[u.project] == u
	if ours {
		delete(ch.subs, u.project)
	}
	ch.mu.Unlock()
	if ours {
		ch.leave(u.project)
	}
}

// leave takes the user out of those who are in a project.
func (ch *channel) leave(project string) { ch.server.deps.Live.Leave(project, ch.id.String()) }

func (ch *channel) all() []*subscription {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return slices.Collect(maps.Values(ch.subs))
}

// party is who is on the channel; nil: he has not said.
func (ch *channel) party() *party {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.who
}

// meta is the Meta of what the party asks for.
func (ch *channel) meta() *messages.Meta {
	return ch.party().signs(&messages.Meta{RequestId: ch.requestID, Ip: ch.ip})
}

// beat implements speaker.
func (ch *channel) beat() {
	if len(ch.all()) == 0 {
		return
	}
	ch.sayHeads(func(heads map[string]int64) []byte {
		if len(heads) == 0 {
			return nil
		}
		return jsonWire{}.heartbeat(heads)
	})
}

// move implements speaker.
func (ch *channel) move(after time.Duration) { ch.say(jsonWire{}.move(after)) }

// say queues a frame of the channel itself.
func (ch *channel) say(bytes []byte) { ch.queue(frame{bytes: bytes}) }

// queue queues a frame of the channel itself. Who does not take those is given up.
func (ch *channel) queue(f frame) {
	if !ch.socket.send(f) {
		ch.socket.cut(closeSlow, "too much waits to be read", nil)
	}
}
