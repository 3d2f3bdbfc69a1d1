package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"atelier/messages"
)

const (
	maxAsked     = 8192            // commands of all peers under way here
	maxOrders    = 1024            // hand-overs and revocations, which overload must not keep out
	maxLive      = 256             // of what is told to those who watch, which must keep nobody out
	orderTimeout = 5 * time.Second // of one of these
)

// Local carries out what is asked of this node.
type Local interface {
	// Call carries a command to an entity, as a call from this node would.
	Call(ctx context.Context, kind, id string, c messages.Command) (proto.Message, error)
	// HandOver lets go of an entity. Nothing holds it when HandOver has returned.
	HandOver(ctx context.Context, kind, id string) error
	// Revoke returns when nothing here rests any more on what was revoked, but for changes
	// that are late on their way to documents.
	Revoke(ctx context.Context, marks []messages.Mark) (late []string, err error)
	// Drain tells all nodes that this one owns nothing any more.
	Drain(ctx context.Context) error
	// Count is the number of live entities by kind.
	Count() map[string]int64
	// Seen takes note of users whom other nodes have had requests from.
	Seen(users []string)
	// Watched takes what another node watches here.
	Watched(context.Context, *messages.Watch) (*messages.Watched, error)
	// Pushed takes what happened to what is watched. It does not block.
	Pushed(context.Context, *messages.Push) error
}

// Gate takes what peers ask of this node. It is a process that does not queue:
// each request gets a goroutine, or the word that there are too many.
type Gate struct {
	transport *Transport
	local     Local
	view      func() View
	log       *slog.Logger
	pid       *actor.PID
	asked     chan struct{} // a place is taken by each command under way
	orders    chan struct{}
	live      chan struct{}
	within    func(time.Duration) (context.Context, context.CancelFunc)
	cancel    context.CancelFunc // ends the contexts made by within

	open    atomic.Bool  // peers may place entities here
	mu      sync.RWMutex // held for reading while a request begins
	closed  bool
	running sync.WaitGroup
}

// NewGate makes the gate of a Transport that has started. Nobody places entities
// there before Open.
func NewGate(t *Transport, local Local, view func() View, log *slog.Logger) (*Gate, error) {
	all, cancel := context.WithCancel(context.Background())
	g := &Gate{
		transport: t, local: local, view: view, log: log, cancel: cancel,
		asked: make(chan struct{}, maxAsked), orders: make(chan struct{}, maxOrders), live: make(chan struct{}, maxLive),
		within: func(d time.Duration) (context.Context, context.CancelFunc) { return context.WithTimeout(all, d) },
	}
	var ok bool
	if g.pid, ok = t.system.ProcessRegistry.Add(g, gateName); !ok {
		cancel()
		return nil, errors.New("the actor system has a process named " + gateName)
	}
	return g, nil
}

// Open lets peers meet this node, and place entities on it: it can answer for
// them from now on.
func (g *Gate) Open() { g.open.Store(true) }

// Close answers moved to whatever comes from now on, and waits for what is under
// way; when ctx ends, that is cut short.
func (g *Gate) Close(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	defer g.cancel()
	done := make(chan struct{})
	go func() {
		g.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		g.cancel()
		<-done
		return ctx.Err()
	}
}

// SendUserMessage implements actor.Process. It runs on the goroutine that reads
// the peer's stream and must not block.
func (g *Gate) SendUserMessage(_ *actor.PID, message any) {
	_, m, asker := actor.UnwrapEnvelope(message)
	if asker == nil {
		return
	}
	switch m := m.(type) {
	case *messages.Ask:
		g.serve(g.asked, asker, m.GetCall(), func() (proto.Message, error) { return g.ask(m) })
	case *messages.HandOver:
		g.serve(g.orders, asker, m.GetCall(), func() (proto.Message, error) { return g.handOver(m) })
	case *messages.Revoke:
		g.serve(g.orders, asker, m.GetCall(), func() (proto.Message, error) { return g.revoke(m) })
	case *messages.PassOn:
		g.serve(g.places(m.GetType()), asker, m.GetCall(), func() (proto.Message, error) { return g.passOn(m) })
	case *messages.Drain:
		g.serve(g.orders, asker, m.GetCall(), g.drain)
	case *messages.Count:
		g.serve(g.orders, asker, m.GetCall(), g.count)
	case *messages.Seen:
		g.serve(g.orders, asker, m.GetCall(), func() (proto.Message, error) { return g.seen(m) })
	case *messages.Watch:
		g.serve(g.live, asker, m.GetCall(), func() (proto.Message, error) { return g.watch(m) })
	case *messages.Push:
		g.serve(g.live, asker, m.GetCall(), func() (proto.Message, error) { return g.push(m) })
	}
}

// SendSystemMessage ignores watches and the like.
func (g *Gate) SendSystemMessage(*actor.PID, any) {}

// Stop implements actor.Process. It is asked by nobody.
func (g *Gate) Stop(*actor.PID) {}

// serve does the work in a goroutine and answers, unless all places are taken.
func (g *Gate) serve(places chan struct{}, asker *actor.PID, call uint64, work func() (proto.Message, error)) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		g.answer(asker, call, errMoved)
		return
	}
	select {
	case places <- struct{}{}:
	default:
		g.transport.config.Meter.Overloaded(QueueGate)
		g.answer(asker, call, errOverloaded)
		return
	}
	g.running.Go(func() {
		defer func() { <-places }()
		g.answer(asker, call, g.result(work))
	})
}

// result is what the work ends with, or the refusal that its error is.
func (g *Gate) result(work func() (proto.Message, error)) (m proto.Message) {
	defer func() {
		if p := recover(); p != nil {
			g.log.Error("a panic while serving a peer", "panic", p, "stack", string(debug.Stack()))
			m = errInternal
		}
	}()
	m, err := work()
	var refusal *messages.Error
	switch {
	case err == nil:
		return m
	case errors.As(err, &refusal):
		return refusal
	}
	g.log.Error("serving a peer", "error", err)
	return errInternal
}

func (g *Gate) answer(asker *actor.PID, call uint64, m proto.Message) {
	b, err := proto.Marshal(m)
	if err == nil && len(b) > messages.MaxSize {
		err = fmt.Errorf("an answer of %d bytes cannot be sent to another node", len(b))
	}
	if err != nil {
		g.log.Error("answering a peer", "type", proto.MessageName(m), "error", err)
		m = errInternal
		b, _ = proto.Marshal(m)
	}
	g.transport.send(asker, &messages.Answer{Call: call, Type: string(proto.MessageName(m)), Answer: b}, g.pid)
}

// lateAfter is how old a request may be when it is read. Nobody gives a node that
// is silent up sooner. A node that was frozen finds requests in its sockets whose
// askers have asked another node since, and perhaps been refused there: carried
// out now, that answer would turn out wrong.
const lateAfter = time.Second

// ask carries out a command, if by this node's view the entity is its own.
func (g *Gate) ask(m *messages.Ask) (proto.Message, error) {
	if age := g.transport.config.now().UnixMicro() - m.GetSentUs(); age > lateAfter.Microseconds() {
		return nil, errMoved
	}
	v := g.view()
	if owner, ok := v.Owner(m.GetKind(), m.GetId()); !ok || owner.Name != v.Self {
		return nil, errMoved
	}
	c, err := g.command(m)
	if err != nil {
		return nil, err
	}
	remaining := c.GetMeta().Remaining()
	if remaining <= 0 {
		return nil, errTimeout
	}
	ctx, cancel := g.within(remaining)
	defer cancel()
	return g.local.Call(ctx, m.GetKind(), m.GetId(), c)
}

// errOlder answers what only a newer version knows: nothing was carried out.
var errOlder = messages.Refuse(messages.CodeUnavailable, "the node that answers for this runs an older version, which does not know the request: try again once it has been replaced")

// command reads what is asked of an entity.
func (g *Gate) command(m *messages.Ask) (messages.Command, error) {
	message, err := read(m.GetType(), m.GetCommand())
	c, ok := message.(messages.Command)
	if ok {
		return c, nil
	}
	g.log.Warn("a peer asks for what this version does not know", "type", m.GetType(), "error", err)
	return nil, errOlder
}

// read makes the message of a type known by name.
func read(name string, b []byte) (proto.Message, error) {
	t, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(name))
	if err != nil {
		return nil, fmt.Errorf("the message type %q is unknown", name)
	}
	m := t.New().Interface()
	if err := proto.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

func (g *Gate) handOver(m *messages.HandOver) (proto.Message, error) {
	ctx, cancel := g.within(orderTimeout)
	defer cancel()
	return &messages.Done{}, g.local.HandOver(ctx, m.GetKind(), m.GetId())
}

func (g *Gate) revoke(m *messages.Revoke) (proto.Message, error) {
	ctx, cancel := g.within(orderTimeout)
	defer cancel()
	marks := make([]messages.Mark, len(m.GetMarks()))
	for i, r := range m.GetMarks() {
		marks[i] = messages.Mark{User: r.GetUser(), Session: r.GetSession(), Project: r.GetProject()}
	}
	late, err := g.local.Revoke(ctx, marks)
	return &messages.Revoked{Late: late}, err
}

func (g *Gate) drain() (proto.Message, error) {
	ctx, cancel := g.within(orderTimeout)
	defer cancel()
	return &messages.Done{}, g.local.Drain(ctx)
}

// errNotYet answers a greeting too early.
var errNotYet = messages.Refuse(messages.CodeUnavailable, "the node has just started")

func (g *Gate) count() (proto.Message, error) {
	if !g.open.Load() {
		return nil, errNotYet
	}
	return &messages.Counted{Entities: g.local.Count()}, nil
}

func (g *Gate) watch(m *messages.Watch) (proto.Message, error) {
	ctx, cancel := g.within(orderTimeout)
	defer cancel()
	return g.local.Watched(ctx, m)
}

func (g *Gate) push(m *messages.Push) (proto.Message, error) {
	ctx, cancel := g.within(orderTimeout)
	defer cancel()
	return &messages.Done{}, g.local.Pushed(ctx, m)
}

func (g *Gate) seen(m *messages.Seen) (proto.Message, error) {
	g.local.Seen(m.GetUsers())
	return &messages.Done{}, nil
}
