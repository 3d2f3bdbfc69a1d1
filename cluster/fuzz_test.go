package cluster

import (
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"atelier/messages"
)

// frame is a stream with one message, as its bytes came.
type frame struct {
	grpc.ServerStream
	bytes []byte
}

func (f frame) RecvMsg(m any) error { return proto.Unmarshal(f.bytes, m.(proto.Message)) }

// FuzzFrames makes up what a peer sends. What the guard lets through the library can
// read, and is for the process that such messages are for; asks of it are read or
// refused.
func FuzzFrames(f *testing.F) {
	const here = "127.0.0.1:7800"
	n := &node{}
	n.Address = here
	for _, m := range []proto.Message{
		&messages.HandOver{Kind: "k", Id: "x"}, &messages.Revoke{Marks: []*messages.Revocation{{User: "u"}}}, &messages.Drain{}, &messages.Count{}, &messages.Seen{Users: []string{"u"}}, &messages.PassOn{Node: "b", Type: "atelier.messages.Drain"},
		&messages.Watch{Node: "n", Topics: []*messages.Watching{{Kind: "project", Id: "x"}}}, &messages.Push{Node: "n", Pushed: []*messages.Pushed{{Kind: "project", Id: "x", Head: 1}}},
		&messages.Ask{Kind: "project", Id: "x", Type: "atelier.messages.GetProject", Command: []byte{10, 0}}, &actor.Stop{}, &actor.Watch{},
	} {
		seed, err := proto.Marshal(batch(n, gateName, m, nil))
		require.NoError(f, err)
		f.Add(seed)
	}
	answer, err := proto.Marshal(batch(n, answersName, &messages.Answer{Call: 7}, func(b *remote.MessageBatch) { b.Senders[0].Id = gateName }))
	require.NoError(f, err)
	f.Add(answer)
	f.Add([]byte{})
	log := slog.New(slog.DiscardHandler)
	g := newGuard(func() string { return here }, func(string) {}, func(*actor.PID, uint64) {}, log)
	gate := &Gate{log: log}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		m := &remote.RemoteMessage{}
		if (&guarded{ServerStream: frame{bytes: bytes}, guard: g}).RecvMsg(m) != nil {
			return
		}
		b := m.GetMessageBatch()
		for _, e := range b.GetEnvelopes() {
			name, to := b.GetTypeNames()[e.GetTypeId()], b.GetTargets()[e.GetTarget()]
			require.Contains(t, routes, name)
			require.Equal(t, []string{here, routes[name].to}, []string{to.GetAddress(), to.GetId()})
			if e.GetSender() != 0 {
				require.Equal(t, routes[name].from, b.GetSenders()[e.GetSender()-1].GetId())
			}
			body, err := remote.Deserialize(e.GetMessageData(), name, e.GetSerializerId())
			require.NoError(t, err)
			if ask, is := body.(*messages.Ask); is {
				if c, err := gate.command(ask); err == nil {
					require.NotNil(t, c)
				}
			}
		}
	})
}

// FuzzAnnouncements makes up what the gossip tells of a node.
func FuzzAnnouncements(f *testing.F) {
	good, err := json.Marshal(announcement{"c", "a", "127.0.0.1:7800", 1, true})
	require.NoError(f, err)
	for _, seed := range []string{string(good), "", "{}", `{"n":"a"}`, `{"n":1}`, `{"n":"a","a":"b","s":1e400}`, "null", "[]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, meta []byte) {
		if a, err := readAnnouncement(meta); err == nil {
			require.NotEmpty(t, a.node().Name)
			require.NotEmpty(t, a.node().Address)
		}
	})
}
