package cluster

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"atelier/messages"
)

// newer sends a peer what only a newer version knows: a command to an entity, or
// another sort of request to the gate.
func (p *part) newer(ctx context.Context, o order) told {
	to, _ := p.caller.View().Node(o.Node)
	m, err := p.caller.exchange(ctx, to, func(number uint64) proto.Message {
		if o.Text == "command" {
			return &messages.Ask{Call: number, Kind: "project", Id: o.ID, Type: "atelier.messages.Tomorrow", SentUs: time.Now().UnixMicro()}
		}
		return tomorrow(number)
	})
	refusal, answered := m.(*messages.Error)
	if answered {
		err = refusal
	}
	return told{Answer: answered, Codes: map[string]int{messages.CodeOf(err): 1}, Text: refusal.GetMessage()}
}

// tomorrow is a message of a type that no process here knows.
func tomorrow(call uint64) proto.Message {
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("tomorrow.proto"), Package: proto.String("atelier.messages"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Tomorrow"), Field: []*descriptorpb.FieldDescriptorProto{{
			Name: proto.String("call"), Number: proto.Int32(1), Type: descriptorpb.FieldDescriptorProto_TYPE_UINT64.Enum(),
		}}}},
	}, nil)
	if err != nil {
		panic(err)
	}
	m := dynamicpb.NewMessage(file.Messages().Get(0))
	m.Set(m.Descriptor().Fields().ByNumber(1), protoreflect.ValueOfUint64(call))
	return m
}

// An older node says at once that it has not carried out what it does not know,
// without a word of its insides, and goes on.
func TestWhatIsNewerIsRefused(t *testing.T) {
	t.Parallel()
	a, b := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b"})
	join(t, a, b)
	there := owned(b, a)
	for _, what := range []string{"command", "request"} {
		told := a.do(t, order{Do: "newer", Text: what, Node: "b", ID: there})
		require.Equal(t, map[string]int{messages.CodeUnavailable: 1}, told.Codes, what)
		require.True(t, told.Answer, what)
		require.Contains(t, told.Text, "older version", what)
		require.NotContains(t, told.Text, "Tomorrow", what)
	}
	require.Equal(t, map[string]int{"ok": 1}, a.do(t, order{Do: "call", ID: there, Text: "x"}).Codes)
	require.Equal(t, map[string]int{"x": 1}, b.do(t, order{Do: "done"}).Done)
}
