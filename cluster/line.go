package cluster

import (
	"context"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
)

const (
	reconnectEvery = 50 * time.Millisecond
	forgetAfter    = 30 * time.Second // an address that is in no view is not tried any longer
)

// open is the client's stream interceptor: it makes the one stream to a peer.
// The library would sleep for two seconds after each failure, with all that is
// meant for the peer in its queue. Instead its writer stays here until the peer
// can be reached, while callers are told at once that nothing was carried out.
func (t *Transport) open(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	address := cc.Target()
	p := t.calls.peer(address)
	defer p.trouble.Store(nil) // the first to know is who asks again
	tick := time.NewTicker(reconnectEvery)
	defer tick.Stop()
	for expected := time.Now(); ; {
		stream, err := streamer(ctx, desc, cc, method, opts...)
		if err == nil {
			return &line{ClientStream: stream, calls: t.calls}, nil
		}
		since := time.Now()
		if before := p.trouble.Load(); before != nil {
			since = before.since
		} else {
			t.log.Warn("a node cannot be reached", "address", address, "error", err)
		}
		p.trouble.Store(&trouble{err, since})
		t.calls.failUnsent(address)
		if t.calls.expects(address) {
			expected = time.Now()
		}
		if time.Since(expected) > forgetAfter {
			return nil, err
		}
		select {
		case <-tick.C:
		case <-t.quit:
			return nil, err
		}
	}
}

// line is the stream to a peer.
type line struct {
	grpc.ClientStream
	calls *calls
}

// SendMsg sends a batch without the calls that have ended meanwhile, in parts
// that the peer takes: the library puts up to a thousand messages into one.
func (l *line) SendMsg(m any) error {
	message, _ := m.(*remote.RemoteMessage)
	batch := message.GetMessageBatch()
	if batch == nil {
		return l.ClientStream.SendMsg(m)
	}
	left := slices.DeleteFunc(batch.GetEnvelopes(), func(e *remote.MessageEnvelope) bool {
		return e.GetSenderRequestId() != 0 && !l.calls.leaves(e.GetSenderRequestId())
	})
	for len(left) > 0 {
		n, size := 1, len(left[0].GetMessageData())
		for ; n < len(left) && size+len(left[n].GetMessageData()) <= maxPart; n++ {
			size += len(left[n].GetMessageData())
		}
		part := &remote.MessageBatch{TypeNames: batch.GetTypeNames(), Targets: batch.GetTargets(), Senders: batch.GetSenders(), Envelopes: left[:n]}
		if err := l.ClientStream.SendMsg(&remote.RemoteMessage{MessageType: &remote.RemoteMessage_MessageBatch{MessageBatch: part}}); err != nil {
			return err
		}
		left = left[n:]
	}
	return nil
}
