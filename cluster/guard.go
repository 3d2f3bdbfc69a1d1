package cluster

import (
	"context"
	"log/slog"
	"net"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"atelier/messages"
)

// route says to which process a message may come, and from which one.
type route struct {
	typ      protoreflect.MessageType
	to, from string
}

// routes are all the messages that pass between nodes. The library would also
// take system messages, to any process: a peer could stop entities.
var routes = func() map[string]route {
	all := make(map[string]route)
	for m, r := range map[proto.Message]route{
		&messages.Ask{}:             {to: gateName, from: answersName},
		&messages.HandOver{}:        {to: gateName, from: answersName},
		&messages.Revoke{}:          {to: gateName, from: answersName},
		&messages.Drain{}:           {to: gateName, from: answersName},
		&messages.Count{}:           {to: gateName, from: answersName},
		&messages.Seen{}:            {to: gateName, from: answersName},
		&messages.PassOn{}:          {to: gateName, from: answersName},
		&messages.Watch{}:           {to: gateName, from: answersName},
		&messages.Push{}:            {to: gateName, from: answersName},
		&messages.Answer{}:          {to: answersName, from: gateName},
		&actor.DeadLetterResponse{}: {to: answersName},
	} {
		r.typ = m.ProtoReflect().Type()
		all[string(proto.MessageName(m))] = r
	}
	return all
}()

// maxSaid bounds what a guard remembers to have logged.
const maxSaid = 64

// guard stands between peers and the library, in which a message of an unknown
// type, an index out of range or an unimplemented method ends the process.
type guard struct {
	address func() string                       // of this node
	ended   func(address string)                // a peer's stream to here has ended, and with it the way of its answers
	refuse  func(asker *actor.PID, call uint64) // a request is of a newer version; must not block
	log     *slog.Logger

	mu   sync.Mutex
	said map[string]bool // what was logged: a peer of a newer version may send it all the time
}

func newGuard(address func() string, ended func(string), refuse func(*actor.PID, uint64), log *slog.Logger) *guard {
	return &guard{address: address, ended: ended, refuse: refuse, log: log, said: make(map[string]bool)}
}

// unary refuses what the library offers without an implementation.
func (g *guard) unary(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) {
	return nil, status.Error(codes.Unimplemented, "nodes talk by streams")
}

// stream lets the library read a peer's stream, through a guarded one.
func (g *guard) stream(server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
	s := &guarded{ServerStream: stream, guard: g}
	defer func() {
		if p := recover(); p != nil {
			g.log.Error("a panic while reading from a peer", "peer", s.peer, "panic", p, "stack", string(debug.Stack()))
			err = status.Error(codes.Internal, "the stream cannot be read")
		}
		if s.peer != "" {
			g.ended(s.peer)
		}
	}()
	return handle(server, s)
}

// guarded is a peer's stream without what the library must not see.
type guarded struct {
	grpc.ServerStream
	guard *guard
	peer  string // the address that it says it has
}

// RecvMsg implements grpc.ServerStream.
func (s *guarded) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	message, _ := m.(*remote.RemoteMessage)
	if c := message.GetConnectRequest().GetServerConnection(); c != nil {
		s.peer = c.GetAddress()
	}
	if batch := message.GetMessageBatch(); batch != nil {
		batch.Envelopes = slices.DeleteFunc(batch.GetEnvelopes(), func(e *remote.MessageEnvelope) bool {
			why, what := s.guard.objection(batch, e)
			if why != "" {
				s.guard.say(why, what, s.peer)
			}
			if why == unknownType {
				s.guard.tell(batch, e)
			}
			return why != ""
		})
	}
	return nil
}

// unknownType is the objection to what only a newer version can have sent.
const unknownType = "a message of an unknown type"

// objection says why an envelope is not for the library.
func (g *guard) objection(b *remote.MessageBatch, e *remote.MessageEnvelope) (why, what string) {
	name, named := at(b.GetTypeNames(), e.GetTypeId())
	to, addressed := at(b.GetTargets(), e.GetTarget())
	from, sent := at(b.GetSenders(), e.GetSender()-1) // 0 is none
	r, known := routes[name]
	switch {
	case !named || !addressed || !sent && e.GetSender() != 0 || e.GetSerializerId() != 0:
		return "a message that cannot be read", ""
	case !known:
		if _, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(name)); err != nil {
			return unknownType, name
		}
		return "a message that nodes do not send each other", name
	case to.GetId() != r.to || to.GetAddress() != g.address():
		return "a message to another process", to.GetAddress() + "/" + to.GetId()
	case from.GetId() != r.from || sent && !reachable(from.GetAddress()):
		return "a message from another process", from.GetAddress() + "/" + from.GetId()
	case proto.Unmarshal(e.GetMessageData(), r.typ.New().Interface()) != nil:
		return "a message that cannot be read", name // the library would end the stream
	}
	return "", ""
}

// tell lets who asked the gate for something that only a newer version knows
// hear that it was not carried out. Whatever is sent to the gate has the number
// of its call as its first field.
func (g *guard) tell(b *remote.MessageBatch, e *remote.MessageEnvelope) {
	to, _ := at(b.GetTargets(), e.GetTarget())
	from, _ := at(b.GetSenders(), e.GetSender()-1)
	if to.GetId() != gateName || to.GetAddress() != g.address() || from.GetId() != answersName || !reachable(from.GetAddress()) {
		return
	}
	number, kind, n := protowire.ConsumeTag(e.GetMessageData())
	if n < 0 || number != 1 || kind != protowire.VarintType {
		return
	}
	if call, n := protowire.ConsumeVarint(e.GetMessageData()[n:]); n > 0 {
		g.refuse(&actor.PID{Address: from.GetAddress(), Id: from.GetId(), RequestId: e.GetSenderRequestId()}, call)
	}
}

func at[E any](list []E, i int32) (e E, ok bool) {
	if i < 0 || int(i) >= len(list) {
		return e, false
	}
	return list[i], true
}

// reachable reports whether an answer may be sent there: gRPC would take names
// of other kinds too, such as paths of sockets.
func reachable(address string) bool {
	host, digits, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return false
	}
	_, err = strconv.ParseUint(digits, 10, 16)
	return err == nil
}

// say logs a refusal once.
func (g *guard) say(why, what, peer string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if key := why + what; !g.said[key] && len(g.said) < maxSaid {
		g.said[key] = true
		g.log.Warn("dropped from a peer: "+why, "what", what, "peer", peer)
	}
}
