package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// Who comes into the view is met at once, and anew when it comes back: whom only
// the gossip knows owns nothing meanwhile.
func TestMembersAreMetAnew(t *testing.T) {
	t.Parallel()
	a, b := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b"})
	gossip(t, a, b)
	require.Empty(t, a.do(t, order{Do: "unmet"}).Text)
	require.Equal(t, map[string]int{"ok": 1}, a.do(t, order{Do: "call", ID: owned(b, a), Text: "x"}).Codes)

	require.NoError(t, b.cmd.Process.Kill())
	<-b.gone
	alone := View{Self: "a", Nodes: []Node{a.Node}}
	a.do(t, order{Gossip: &alone})
	both := View{Self: "a", Nodes: []Node{a.Node, b.Node}} // by the gossip: there is nobody
	told := a.do(t, order{Gossip: &both, Do: "unmet"})
	require.Equal(t, "b", told.Text)
	require.Equal(t, map[string]int{"ok": 1}, a.do(t, order{Do: "call", ID: owned(b, a), Text: "y"}).Codes, "it owns what the other would")
	require.Equal(t, 1, a.do(t, order{Do: "done"}).Done["y"])

	again := begin(t, nodeConfig{Name: "b", Bind: b.Address})
	gossip(t, a, again)
	require.Eventually(t, func() bool { return a.do(t, order{Do: "unmet"}).Text == "" }, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, map[string]int{"ok": 1}, a.do(t, order{Do: "call", ID: owned(b, a), Text: "z"}).Codes)
	require.Equal(t, 1, again.do(t, order{Do: "done"}).Done["z"])
}

// A node stops while it greets somebody who does not answer.
func TestGreetingsEndWithTheNode(t *testing.T) {
	t.Parallel()
	a := begin(t, nodeConfig{Name: "a"})
	v := View{Self: "a", Nodes: []Node{a.Node, {Name: "b", Address: "127.0.0.1:1"}}}
	require.Equal(t, "b", a.do(t, order{Gossip: &v, Do: "unmet"}).Text)
	refused := a.do(t, order{Do: "hand over", Node: "b", ID: "x"}).Error
	require.Contains(t, refused, messages.CodeMoved)
	require.Equal(t, "<nil>", a.do(t, order{Do: "stop"}).Error)
}

// Whose gate is not open meets the others, and is not met.
func TestNobodyIsMetBeforeItsGateIsOpen(t *testing.T) {
	t.Parallel()
	a, b := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b", Shut: true})
	gossip(t, a, b)
	require.Empty(t, b.do(t, order{Do: "unmet"}).Text)
	began := time.Now()
	require.Equal(t, "b", a.do(t, order{Do: "unmet"}).Text)
	require.Less(t, time.Since(began), metWithin, "it is not waited for")
	b.do(t, order{Do: "open"})
	require.Eventually(t, func() bool { return a.do(t, order{Do: "unmet"}).Text == "" }, 10*time.Second, 10*time.Millisecond)
}
