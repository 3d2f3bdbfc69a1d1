package cluster

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"atelier/messages"
)

func TestCallsBetweenNodes(t *testing.T) {
	t.Parallel()
	a, b := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b"})
	join(t, a, b)
	there, here := owned(b, a), owned(a, b)
	for name, c := range map[string]struct {
		order order
		code  string
		text  string
	}{
		"a reply":                  {order{ID: there, Text: "x"}, "ok", "x at b"},
		"an entity of its own":     {order{ID: here, Text: "x"}, "ok", "x at a"},
		"a refusal":                {order{ID: there, Text: "refuse"}, messages.CodeNotFound, ""},
		"a failure":                {order{ID: there, Text: "fail"}, messages.CodeInternal, ""},
		"a panic":                  {order{ID: there, Text: "panic"}, messages.CodeInternal, ""},
		"a request that is large":  {order{ID: there, Text: "x" + strings.Repeat(" ", 64_000)}, "ok", "x" + strings.Repeat(" ", 64_000) + " at b"},
		"a request too large":      {order{ID: there, Text: "x" + strings.Repeat(" ", messages.MaxSize)}, messages.CodePayloadTooLarge, ""},
		"a document's update":      {order{ID: there, Text: fmt.Sprint("an update of ", messages.MaxUpdate)}, "ok", fmt.Sprint(messages.MaxUpdate, " bytes at b")},
		"updates at once":          {order{ID: there, Text: fmt.Sprint("an update of ", messages.MaxUpdate), AtOnce: 20}, "ok", fmt.Sprint(messages.MaxUpdate, " bytes at b")},
		"an update too large":      {order{ID: there, Text: fmt.Sprint("an update of ", 2*messages.MaxUpdate)}, messages.CodePayloadTooLarge, ""},
		"a reply that is large":    {order{ID: there, Text: "large 65000"}, "ok", strings.Repeat("x", 65_000)},
		"a reply too large":        {order{ID: there, Text: "large 65600"}, messages.CodeInternal, ""},
		"many large ones at once":  {order{ID: there, Text: "large 65000", AtOnce: 300}, "ok", strings.Repeat("x", 65000)},
		"a reply that never comes": {order{ID: there, Text: "wait", Timeout: 100 * time.Millisecond}, messages.CodeTimeout, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.order.Do = "call"
			all := c.order.AtOnce
			told := a.do(t, c.order)
			for tries := 0; all > 1 && told.Codes[messages.CodeMoved] > 0 && tries < 10; tries++ { // a slow machine reads the last of many late
				answered := told.Codes[c.code]
				c.order.AtOnce = told.Codes[messages.CodeMoved]
				told = a.do(t, c.order)
				told.Codes[c.code] += answered
			}
			require.Equal(t, map[string]int{c.code: max(all, 1)}, told.Codes, told.Error)
			require.Equal(t, c.text, told.Text)
			require.NotContains(t, told.Error, "cause")
		})
	}
	b.done(t, "waited", 1) // the deadline has crossed
}

func TestARefusalIsAnAnswer(t *testing.T) {
	t.Parallel()
	a, b := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b"})
	join(t, a, b)
	require.True(t, a.do(t, order{Do: "call", ID: owned(b, a), Text: "refuse"}).Answer)
}

func TestOrdersToANode(t *testing.T) {
	t.Parallel()
	a, b := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b"})
	join(t, a, b)
	for _, to := range []*node{a, b} {
		require.Equal(t, "<nil>", a.do(t, order{Do: "hand over", Node: to.Name, ID: "1"}).Error)
		require.Equal(t, "<nil>", a.do(t, order{Do: "revoke", Node: to.Name, Marks: []messages.Mark{{User: "u", Project: "p"}, {Session: "s"}}}).Error)
		require.Equal(t, "<nil>", a.do(t, order{Do: "drain", Node: to.Name}).Error)
		require.Equal(t, "<nil>", a.do(t, order{Do: "seen", Node: to.Name, ID: "u"}).Error)
		require.Equal(t, "map[project:7]", a.do(t, order{Do: "count", Node: to.Name}).Text)
		if to == b {
			told := a.do(t, order{Do: "watch", Node: to.Name, ID: "w"})
			require.Equal(t, []string{"[0]", "<nil>"}, []string{told.Text, told.Error})
			require.Equal(t, "<nil>", a.do(t, order{Do: "push", Node: to.Name, ID: "w", Times: 300 << 10}).Error, "more than a command may have")
			to.done(t, "a watches w", 1)
			to.done(t, fmt.Sprint("a pushes ", 300<<10, " bytes of w"), 1)
		}
		to.done(t, "drain", 1)
		to.done(t, "seen [u]", 1)
		to.done(t, "hand over project 1", 1)
		to.done(t, "revoke [{u  p} { s }]", 1)
	}
	require.Equal(t, "<nil>", a.do(t, order{Do: "revoke", Node: "b", Marks: make([]messages.Mark, maxMarks+1)}).Error)
	b.done(t, fmt.Sprint("revoke ", make([]messages.Mark, maxMarks)), 1)
	b.done(t, fmt.Sprint("revoke ", make([]messages.Mark, 1)), 1)
	require.Contains(t, a.do(t, order{Do: "hand over", Node: "b", ID: "refused"}).Error, "not now")
	require.Contains(t, a.do(t, order{Do: "count", Node: "c"}).Error, messages.CodeUnavailable)
	require.Contains(t, a.do(t, order{Do: "hand over", Node: "c", ID: "1"}).Error, messages.CodeUnavailable)
}

func TestRevocationsAreNotLargerThanCommands(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("x", 36)
	m := &messages.Revoke{Call: 1<<64 - 1}
	for range maxMarks {
		m.Marks = append(m.Marks, &messages.Revocation{User: id, Session: id, Project: id})
	}
	require.LessOrEqual(t, proto.Size(m), messages.MaxSize)
}

func TestWhatIsNotItsOwnIsMoved(t *testing.T) {
	t.Parallel()
	a, b := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b"})
	join(t, a, b)
	b.do(t, order{View: &View{Self: "b", Nodes: []Node{a.Node, {Name: "b", Address: b.Address, Draining: true}}}})
	require.Equal(t, map[string]int{messages.CodeMoved: 1}, a.do(t, order{Do: "call", ID: owned(b, a), Text: "x"}).Codes)
	require.Empty(t, b.do(t, order{Do: "done"}).Done, "moved is not carried out")
}

func TestWithoutAGateAllIsMoved(t *testing.T) {
	t.Parallel()
	a, b := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b", Places: -1})
	join(t, a, b)
	told := a.do(t, order{Do: "call", ID: owned(b, a), Text: "x", AtOnce: 20})
	require.Equal(t, map[string]int{messages.CodeMoved: 20}, told.Codes)
	require.Less(t, told.Took, atOnce, "none waits for its end")
}

// atOnce is far less than a call waits by itself, which ends in the same way.
const atOnce = attempt / 3

func TestAKilledPeerEndsCallsAtOnce(t *testing.T) {
	t.Parallel()
	a, b := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b"})
	join(t, a, b)
	there := owned(b, a)
	calls := a.start(t, order{Do: "call", ID: there, Text: "wait", AtOnce: 50})
	b.done(t, "wait", 50)
	killed := time.Now()
	require.NoError(t, b.cmd.Process.Kill())
	told := <-calls
	require.Less(t, time.Since(killed), atOnce, "none waits for its end")
	require.Equal(t, map[string]int{messages.CodeOutcomeUnknown: 50}, told.Codes)

	// Nobody listens any more: nothing was carried out, and that is known at once.
	told = a.do(t, order{Do: "call", ID: there, Text: "x", Times: 20})
	require.Less(t, told.Took, atOnce)
	require.Equal(t, map[string]int{messages.CodeMoved: 20}, told.Codes)

	// One that comes back at the address is found without the library's sleeps.
	again := begin(t, nodeConfig{Name: "b", Bind: b.Address})
	join(t, again, a)
	require.Eventually(t, func() bool {
		return a.do(t, order{Do: "call", ID: there, Text: "x"}).Codes["ok"] == 1
	}, 1500*time.Millisecond, 10*time.Millisecond)
}

// TestNoWayBackEndsCalls has a node advertise another address than it listens on,
// and cuts the connection over which the answers would come.
func TestNoWayBackEndsCalls(t *testing.T) {
	t.Parallel()
	outer, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer outer.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	inner := free.Addr().String()
	require.NoError(t, free.Close())
	a, b := begin(t, nodeConfig{Name: "a", Bind: inner, Advertise: outer.Addr().String()}), begin(t, nodeConfig{Name: "b"})
	require.Equal(t, outer.Addr().String(), a.Address)
	passed := make(chan net.Conn, 2)
	go pass(outer, inner, passed)
	join(t, a, b)
	require.Equal(t, map[string]int{"ok": 1}, a.do(t, order{Do: "call", ID: owned(b, a), Text: "x"}).Codes)
	calls := a.start(t, order{Do: "call", ID: owned(b, a), Text: "wait", AtOnce: 5})
	b.done(t, "wait", 5)
	cut := time.Now()
	require.NoError(t, (<-passed).Close())
	require.Equal(t, map[string]int{messages.CodeOutcomeUnknown: 5}, (<-calls).Codes)
	require.Less(t, time.Since(cut), atOnce, "none waits for its end")
	// The first answer may be lost with the connection that it was to take.
	require.Eventually(t, func() bool {
		return a.do(t, order{Do: "call", ID: owned(b, a), Text: "x"}).Codes["ok"] == 1
	}, 2*attempt, 10*time.Millisecond)
}

// pass lets connections through to an address.
func pass(from net.Listener, to string, passed chan<- net.Conn) {
	for {
		in, err := from.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", to)
		if err != nil {
			_ = in.Close()
			continue
		}
		go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
		go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
		passed <- in
	}
}

func TestAPeerThatLeavesTheViewEndsCalls(t *testing.T) {
	t.Parallel()
	a, b := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b"})
	join(t, a, b)
	calls := a.start(t, order{Do: "call", ID: owned(b, a), Text: "wait"})
	b.done(t, "wait", 1)
	gone := time.Now()
	a.do(t, order{View: &View{Self: "a", Nodes: []Node{a.Node}}})
	require.Equal(t, map[string]int{messages.CodeOutcomeUnknown: 1}, (<-calls).Codes)
	require.Less(t, time.Since(gone), atOnce, "none waits for its end")
}

func TestAFrozenPeerEndsCallsAtTheirDeadline(t *testing.T) {
	t.Parallel()
	a, b := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b"})
	join(t, a, b)
	there := owned(b, a)
	require.Equal(t, map[string]int{"ok": 1}, a.do(t, order{Do: "call", ID: there, Text: "x"}).Codes)
	b.freeze(t)
	told := a.do(t, order{Do: "call", ID: there, Text: "late", Timeout: 300 * time.Millisecond, AtOnce: 5})
	require.Equal(t, map[string]int{messages.CodeTimeout: 5}, told.Codes)
	require.Less(t, told.Took, atOnce, "none waits for its end")
	b.thaw(t)
	require.Equal(t, map[string]int{"ok": 1}, a.do(t, order{Do: "call", ID: there, Text: "x"}).Codes)
}

// freeze returns when the process stands still: it may run on for a moment after
// the signal.
func (n *node) freeze(t *testing.T) {
	t.Helper()
	require.NoError(t, n.cmd.Process.Signal(syscall.SIGSTOP))
	require.Eventually(t, func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.cmd.Process.Pid))
		return err == nil && strings.HasPrefix(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " T")
	}, 10*time.Second, time.Millisecond)
}

func (n *node) thaw(t *testing.T) {
	t.Helper()
	require.NoError(t, n.cmd.Process.Signal(syscall.SIGCONT))
}

// TestWhatIsMovedIsNeverSent has calls wait for a connection that comes about only
// after they have ended.
func TestWhatIsMovedIsNeverSent(t *testing.T) {
	t.Parallel()
	a, b := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b"})
	there := owned(b, a)
	require.NoError(t, b.cmd.Process.Signal(syscall.SIGSTOP)) // before anybody connects to it; its kernel takes connections all the same
	a.do(t, order{View: &View{Self: "a", Nodes: []Node{a.Node, b.Node}}})
	told := a.do(t, order{Do: "call", ID: there, Text: "late", Timeout: 100 * time.Millisecond, AtOnce: 5})
	require.Equal(t, map[string]int{messages.CodeTimeout: 5}, told.Codes)
	calls := a.start(t, order{Do: "call", ID: there, Text: "late", AtOnce: 5})
	require.Eventually(t, func() bool {
		return a.do(t, order{Do: "waiting", Node: b.Address}).Done["waiting"] == 5
	}, time.Second, 5*time.Millisecond)
	a.do(t, order{View: &View{Self: "a", Nodes: []Node{a.Node}}})
	require.Equal(t, map[string]int{messages.CodeMoved: 5}, (<-calls).Codes, "they have never left")
	require.NoError(t, b.cmd.Process.Signal(syscall.SIGCONT))
	join(t, a, b)
	require.Eventually(t, func() bool {
		return a.do(t, order{Do: "call", ID: there, Text: "x"}).Codes["ok"] == 1
	}, 5*time.Second, 10*time.Millisecond)
	require.Zero(t, b.do(t, order{Do: "done"}).Done["late"])
}

func TestOverloadIsSaid(t *testing.T) {
	t.Parallel()
	a, b := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b", Places: 3})
	join(t, a, b)
	there := owned(b, a)
	calls := a.start(t, order{Do: "call", ID: there, Text: "wait", AtOnce: 3, Timeout: 2 * time.Second})
	b.done(t, "wait", 3)
	require.Equal(t, map[string]int{messages.CodeOverloaded: 10}, a.do(t, order{Do: "call", ID: there, Text: "x", AtOnce: 10}).Codes)
	require.Equal(t, "<nil>", a.do(t, order{Do: "revoke", Node: "b"}).Error, "revocations have places of their own")
	require.Equal(t, map[string]int{messages.CodeTimeout: 3}, (<-calls).Codes)
	require.Eventually(t, func() bool {
		return a.do(t, order{Do: "call", ID: there, Text: "x"}).Codes["ok"] == 1
	}, time.Second, 5*time.Millisecond, "there is room again")
}

func TestOfACallerInFlightIsBounded(t *testing.T) {
	t.Parallel()
	a, b := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b"})
	join(t, a, b)
	there := owned(b, a)
	calls := a.start(t, order{Do: "call", ID: there, Text: "wait", AtOnce: maxAsks, Timeout: 8 * time.Second})
	b.done(t, "wait", maxAsks)
	require.Equal(t, map[string]int{messages.CodeOverloaded: 1}, a.do(t, order{Do: "call", ID: there, Text: "x"}).Codes)
	require.Equal(t, "<nil>", a.do(t, order{Do: "revoke", Node: "b", Marks: []messages.Mark{{User: there}}}).Error, "which would cost the node its lease")
	a.do(t, order{View: &View{Self: "a", Nodes: []Node{a.Node}}})
	require.Equal(t, map[string]int{messages.CodeOutcomeUnknown: maxAsks}, (<-calls).Codes)
}

func TestANodeStops(t *testing.T) {
	t.Parallel()
	a, b := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b"})
	join(t, a, b)
	there := owned(b, a)
	calls := a.start(t, order{Do: "call", ID: there, Text: "wait", Timeout: time.Second})
	b.done(t, "wait", 1)
	stopped := b.start(t, order{Do: "stop"})
	require.Eventually(t, func() bool {
		return a.do(t, order{Do: "call", ID: there, Text: "x"}).Codes[messages.CodeMoved] == 1
	}, time.Second, 5*time.Millisecond, "what comes later is moved")
	require.Equal(t, map[string]int{messages.CodeTimeout: 1}, (<-calls).Codes, "what is under way is waited for")
	require.Equal(t, "<nil>", (<-stopped).Error)
	require.Equal(t, map[string]int{messages.CodeMoved: 1}, a.do(t, order{Do: "call", ID: there, Text: "x"}).Codes)
}

func TestAddressesAreChecked(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for _, c := range []TransportConfig{
		{Bind: taken.Addr().String()},
		{Bind: ":0"},
		{Bind: "0.0.0.0:0"},
		{Bind: "127.0.0.1"},
		{Bind: "127.0.0.1:x"},
		{Bind: "127.0.0.1:0", Advertise: "here"},
	} {
		require.Error(t, NewTransport(c, quietSystem(), silent()).Start(), c)
	}
}
