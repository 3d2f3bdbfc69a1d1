package cluster

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"atelier/messages"
)

// Two nodes between which the network is cut ask each other through a third.
func TestACutIsBypassed(t *testing.T) {
	t.Parallel()
	hole, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and never answers
	require.NoError(t, err)
	defer hole.Close()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, nobody.Close())
	for name, address := range map[string]string{"nothing comes back": hole.Addr().String(), "there is no connection": nobody.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b, c := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b"}), begin(t, nodeConfig{Name: "c"})
			join(t, a, b, c)
			cut := Node{Name: "b", Address: address}
			a.do(t, order{View: &View{Self: "a", Nodes: []Node{a.Node, cut, c.Node}}})
			there := owned(b, a, c)
			require.Eventually(t, func() bool {
				return a.do(t, order{Do: "call", ID: there, Text: "x", Timeout: 2 * silentAfter}).Text == "x at b"
			}, 20*time.Second, 10*time.Millisecond)
			require.Equal(t, map[string]int{messages.CodeNotFound: 1}, a.do(t, order{Do: "call", ID: there, Text: "refuse"}).Codes)
			require.Equal(t, "<nil>", a.do(t, order{Do: "hand over", Node: "b", ID: "1"}).Error)
			b.done(t, "hand over project 1", 1)
			revoked := a.do(t, order{Do: "revoke", Node: "b", Marks: []messages.Mark{{User: "u"}}})
			require.Equal(t, []string{"[late]", "<nil>"}, []string{revoked.Text, revoked.Error})
			b.done(t, "revoke [{u  }]", 1)
			require.Equal(t, map[string]int{messages.CodeTimeout: 1}, a.do(t, order{Do: "call", ID: there, Text: "wait", Timeout: 100 * time.Millisecond}).Codes)
			b.done(t, "waited", 1) // the deadline has crossed, too
			require.Equal(t, "<nil>", a.do(t, order{Do: "stop"}).Error)
		})
	}
}

// A node that was silent is asked directly once it answers again: the one between is
// gone then.
func TestASilentNodeIsLookedAfter(t *testing.T) {
	t.Parallel()
	a, b, c := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b"}), begin(t, nodeConfig{Name: "c"})
	join(t, a, b, c)
	there := owned(b, a, c)
	require.Equal(t, map[string]int{"ok": 1}, a.do(t, order{Do: "call", ID: there, Text: "x"}).Codes)
	b.freeze(t)
	require.Equal(t, map[string]int{messages.CodeTimeout: 1}, a.do(t, order{Do: "call", ID: there, Text: "late", Timeout: 2 * silentAfter}).Codes)
	b.thaw(t)
	require.NoError(t, c.cmd.Process.Kill())
	require.Eventually(t, func() bool {
		return a.do(t, order{Do: "call", ID: there, Text: "y", Timeout: time.Second}).Text == "y at b"
	}, 20*time.Second, 10*time.Millisecond)
}

// Whom the one between does not see either, or who is itself, is moved.
func TestNothingIsPassedOnInCircles(t *testing.T) {
	t.Parallel()
	a, b := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b"})
	join(t, a, b)
	require.Equal(t, messages.CodeMoved, a.do(t, order{Do: "pass on", Node: "b", ID: "nowhere"}).Text)
	require.Equal(t, messages.CodeMoved, a.do(t, order{Do: "pass on", Node: "b", ID: "b"}).Text)
}

// What is told to those who watch keeps out no orders where it is passed on, either.
func TestPlacesOfWhatIsPassedOn(t *testing.T) {
	t.Parallel()
	g := &Gate{asked: make(chan struct{}), orders: make(chan struct{}), live: make(chan struct{})}
	for m, places := range map[proto.Message]chan struct{}{
		&messages.Ask{}: g.asked, &messages.Watch{}: g.live, &messages.Push{}: g.live, &messages.Revoke{}: g.orders, &messages.HandOver{}: g.orders,
	} {
		require.Equal(t, places, g.places(string(proto.MessageName(m))), "%T", m)
	}
}
