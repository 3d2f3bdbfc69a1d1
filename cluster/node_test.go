package cluster

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"atelier/messages"
)

// nodeRole makes this test binary a node; its value is the nodeConfig. Several of
// them in one process would race inside the library.
const nodeRole = "ATELIER_TEST_NODE"

// TestNode is no test but what a process in the role of a node runs.
func TestNode(*testing.T) {
	text, ok := os.LookupEnv(nodeRole)
	if !ok {
		return
	}
	var config nodeConfig
	err := json.Unmarshal([]byte(text), &config)
	if err == nil {
		err = config.run(os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

type nodeConfig struct {
	Name, Bind, Advertise string
	CA, Cert, Key         string // in PEM; empty: plaintext
	Shut                  bool   // the gate is not open
	Places                int    // at the gate; 0: as many as ever, -1: there is no gate
}

// order is a line of a node's input, told its line of output.
type order struct {
	Seq           int
	View          *View
	Gossip        *View // whose nodes are to be met
	Do, ID, Text  string
	Node          string
	Timeout       time.Duration
	Times, AtOnce int
	Marks         []messages.Mark
}

type told struct {
	Seq    int
	Took   time.Duration // of the slowest call
	Codes  map[string]int
	Text   string
	Done   map[string]int
	Error  string
	Answer bool // a refusal came as an answer, not as an error
}

func (c nodeConfig) transport() (TransportConfig, error) {
	config := TransportConfig{Bind: c.Bind, Advertise: c.Advertise}
	if c.CA != "" {
		pair, err := tls.X509KeyPair([]byte(c.Cert), []byte(c.Key))
		if err != nil {
			return config, err
		}
		config.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: x509.NewCertPool()}
		config.TLS.RootCAs.AppendCertsFromPEM([]byte(c.CA))
	}
	return config, nil
}

// part is what a node consists of in these tests.
type part struct {
	transport *Transport
	gate      *Gate
	caller    *Caller
	meetings  *Meetings
	local     *entities
	others    goleak.Option // the goroutines that ran before
}

func quietSystem() *actor.ActorSystem {
	quiet := func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
	return actor.NewActorSystem(actor.WithLoggerFactory(quiet), actor.WithDeadLetterRequestLogging(false))
}

func (c nodeConfig) start() (*part, error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil)).With("node", c.Name)
	config, err := c.transport()
	if err != nil {
		return nil, err
	}
	p := &part{others: goleak.IgnoreCurrent(), transport: NewTransport(config, quietSystem(), log), local: &entities{node: c.Name, done: map[string]int{}}}
	if err := p.transport.Start(); err != nil {
		return nil, err
	}
	p.caller = NewCaller(p.transport, p.local)
	p.meetings = NewMeetings(p.caller, p.caller.Changed, log)
	if c.Places < 0 {
		return p, nil
	}
	p.gate, err = NewGate(p.transport, p.local, p.caller.View, log)
	if c.Places > 0 && err == nil {
		p.gate.asked = make(chan struct{}, c.Places)
	}
	if !c.Shut && err == nil {
		p.gate.Open()
	}
	return p, err
}

// run is a node's life: it says its address and obeys until its input ends.
func (c nodeConfig) run(in io.Reader, out io.Writer) error {
	p, err := c.start()
	if err != nil {
		return err
	}
	var mu sync.Mutex
	say := func(t told) {
		mu.Lock()
		defer mu.Unlock()
		_ = json.NewEncoder(out).Encode(t)
	}
	say(told{Text: p.transport.Address()})
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return err
		}
		if o.View != nil {
			p.caller.Changed(*o.View)
		}
		if o.Gossip != nil {
			p.meetings.Changed(*o.Gossip)
		}
		go func() {
			t := p.obey(o)
			t.Seq = o.Seq
			say(t)
		}()
	}
	return lines.Err()
}

func (p *part) obey(o order) (t told) {
	ctx, cancel := context.WithTimeout(context.Background(), o.Timeout)
	defer cancel()
	switch o.Do {
	case "call":
		return p.calls(ctx, o)
	case "newer":
		return p.newer(ctx, o)
	case "hand over":
		t.Error = fmt.Sprint(p.caller.HandOver(ctx, o.Node, "project", o.ID))
	case "drain":
		t.Error = fmt.Sprint(p.caller.Drain(ctx, o.Node))
	case "count":
		counted, err := p.caller.Count(ctx, o.Node)
		t.Text, t.Error = fmt.Sprint(counted), fmt.Sprint(err)
	case "seen":
		t.Error = fmt.Sprint(p.caller.Seen(ctx, o.Node, []string{o.ID}))
	case "watch":
		w, err := p.caller.Watch(ctx, o.Node, &messages.Watch{Node: p.local.node, Topics: []*messages.Watching{{Kind: "project", Id: o.ID}}})
		t.Text, t.Error = fmt.Sprint(w.GetElsewhere()), fmt.Sprint(err)
	case "push":
		t.Error = fmt.Sprint(p.caller.Push(ctx, o.Node, &messages.Push{Node: p.local.node, Pushed: []*messages.Pushed{{Id: o.ID, Said: []*messages.Said{{Payload: make([]byte, o.Times)}}}}}))
	case "revoke":
		late, err := p.caller.Revoke(ctx, o.Node, o.Marks)
		t.Text, t.Error = fmt.Sprint(late), fmt.Sprint(err)
	case "pass on": // through a node to another
		v := p.caller.View()
		via, _ := v.Node(o.Node)
		_, err := answered(p.caller.through(ctx, via, Node{Name: o.ID}, func(number uint64) proto.Message { return &messages.Count{Call: number} }))
		t.Text = messages.CodeOf(err)
	case "open":
		p.gate.Open()
	case "unmet":
		p.meetings.Wait(ctx)
		for _, n := range p.caller.View().Nodes {
			if n.Unmet {
				t.Text += n.Name
			}
		}
	case "done":
		p.local.mu.Lock()
		defer p.local.mu.Unlock()
		t.Done = make(map[string]int)
		for k, n := range p.local.done {
			t.Done[k] = n
		}
	case "waiting":
		t.Done = map[string]int{"waiting": int(p.transport.calls.peer(o.Node).inFlight.Load())}
	case "stop":
		p.meetings.Stop()
		t.Error = fmt.Sprint(errors.Join(p.gate.Close(ctx), p.transport.Stop(ctx), goleak.Find(p.others)))
	}
	return t
}

// calls makes some calls at once, and counts the codes they end with.
func (p *part) calls(ctx context.Context, o order) told {
	t := told{Codes: make(map[string]int)}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range max(o.AtOnce, 1) {
		wg.Go(func() {
			for range max(o.Times, 1) {
				began := time.Now()
				text, answer, err := p.call(ctx, o)
				mu.Lock()
				t.Took, t.Text, t.Answer = max(t.Took, time.Since(began)), text, answer
				if err != nil {
					t.Codes[messages.CodeOf(err)]++
					t.Error = err.Error()
				} else {
					t.Codes["ok"]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return t
}

func (p *part) call(ctx context.Context, o order) (text string, answer bool, err error) {
	deadline, _ := ctx.Deadline()
	meta := &messages.Meta{RemainingUs: time.Until(deadline).Microseconds()}
	c := messages.Command(&messages.CreateProject{Meta: meta, ProjectId: o.ID, Name: o.Text})
	if size, is := strings.CutPrefix(o.Text, "an update of "); is {
		n, _ := strconv.Atoi(size)
		c = &messages.AppendUpdate{Meta: meta, DocumentId: o.ID, Update: make([]byte, n)}
	}
	m, err := p.caller.Call(ctx, "project", o.ID, c)
	switch m := m.(type) {
	case *messages.Project:
		return m.GetName(), true, nil
	case *messages.Error:
		return "", true, m
	}
	return "", false, err
}

// entities do what a command's name says, and count it.
type entities struct {
	node string
	mu   sync.Mutex
	done map[string]int
}

func (e *entities) note(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.done[what]++
}

func (e *entities) Call(ctx context.Context, _, id string, c messages.Command) (proto.Message, error) {
	if update, is := c.(*messages.AppendUpdate); is {
		return &messages.Project{Id: id, Name: fmt.Sprint(len(update.GetUpdate()), " bytes at ", e.node)}, nil
	}
	name := c.(*messages.CreateProject).GetName()
	e.note(name)
	switch {
	case name == "refuse":
		return messages.Missing("project"), nil
	case name == "panic":
		panic("as asked")
	case name == "fail":
		return nil, errors.New("a cause that stays here")
	case name == "wait":
		<-ctx.Done()
		e.note("waited")
		return nil, errTimeout
	case strings.HasPrefix(name, "large"):
		var n int
		_, _ = fmt.Sscanf(name, "large %d", &n)
		return &messages.Project{Name: strings.Repeat("x", n)}, nil
	}
	return &messages.Project{Id: id, Name: name + " at " + e.node}, nil
}

func (e *entities) HandOver(_ context.Context, kind, id string) error {
	e.note("hand over " + kind + " " + id)
	if id == "refused" {
		return messages.Refuse(messages.CodeUnavailable, "not now")
	}
	return nil
}

func (e *entities) Drain(context.Context) error {
	e.note("drain")
	return nil
}

func (e *entities) Count() map[string]int64 { return map[string]int64{"project": 7} }

func (e *entities) Seen(users []string) { e.note(fmt.Sprint("seen ", users)) }

func (e *entities) Watched(_ context.Context, w *messages.Watch) (*messages.Watched, error) {
	e.note(fmt.Sprint(w.GetNode(), " watches ", w.GetTopics()[0].GetId()))
	return &messages.Watched{Elsewhere: []int32{0}}, nil
}

func (e *entities) Pushed(_ context.Context, p *messages.Push) error {
	e.note(fmt.Sprint(p.GetNode(), " pushes ", len(p.GetPushed()[0].GetSaid()[0].GetPayload()), " bytes of ", p.GetPushed()[0].GetId()))
	return nil
}

func (e *entities) Revoke(_ context.Context, marks []messages.Mark) ([]string, error) {
	e.note(fmt.Sprint("revoke ", marks))
	return []string{"late"}, nil
}

// node is a process in that role.
type node struct {
	Node
	cmd  *exec.Cmd
	in   io.WriteCloser
	mu   sync.Mutex
	seq  int
	wait map[int]chan told
	gone chan struct{} // closed when it says no more
}

func begin(tb testing.TB, config nodeConfig) *node {
	tb.Helper()
	if config.Bind == "" {
		config.Bind = "127.0.0.1:0"
	}
	text, err := json.Marshal(config)
	require.NoError(tb, err)
	n := &node{cmd: exec.Command(os.Args[0], "-test.run=^TestNode$"), wait: map[int]chan told{}, gone: make(chan struct{})}
	n.cmd.Env = append(os.Environ(), nodeRole+"="+string(text))
	n.cmd.Stderr = os.Stderr
	n.in, err = n.cmd.StdinPipe()
	require.NoError(tb, err)
	out, err := n.cmd.StdoutPipe()
	require.NoError(tb, err)
	require.NoError(tb, n.cmd.Start())
	lines := bufio.NewReader(out)
	tb.Cleanup(func() {
		_ = n.cmd.Process.Kill()
		<-n.gone
		_ = n.cmd.Wait()
	})
	first, err := lines.ReadBytes('\n')
	var hello told
	if err == nil {
		err = json.Unmarshal(first, &hello)
	}
	go n.listen(lines)
	require.NoError(tb, err)
	n.Node = Node{Name: config.Name, Address: hello.Text}
	return n
}

func (n *node) listen(lines *bufio.Reader) {
	defer close(n.gone)
	for {
		line, err := lines.ReadBytes('\n')
		var t told
		if err != nil || json.Unmarshal(line, &t) != nil {
			return
		}
		n.mu.Lock()
		n.wait[t.Seq] <- t
		n.mu.Unlock()
	}
}

// start gives an order; its result comes over the channel.
func (n *node) start(tb testing.TB, o order) chan told {
	tb.Helper()
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seq++
	o.Seq = n.seq
	c := make(chan told, 1)
	n.wait[o.Seq] = c
	line, err := json.Marshal(o)
	require.NoError(tb, err)
	_, err = n.in.Write(append(line, '\n'))
	require.NoError(tb, err)
	return c
}

func (n *node) do(tb testing.TB, o order) told {
	tb.Helper()
	select {
	case t := <-n.start(tb, o):
		return t
	case <-n.gone:
		require.Fail(tb, "the node has ended")
	case <-time.After(30 * time.Second):
		require.Fail(tb, "the node does not answer")
	}
	return told{}
}

// join gives all nodes the view that they are the cluster.
func join(tb testing.TB, nodes ...*node) {
	tb.Helper()
	for _, n := range nodes {
		v := View{Self: n.Name}
		for _, other := range nodes {
			v.Nodes = append(v.Nodes, other.Node)
		}
		n.do(tb, order{View: &v})
	}
}

// gossip tells all nodes that they are members of one cluster.
func gossip(tb testing.TB, nodes ...*node) {
	tb.Helper()
	for _, n := range nodes {
		v := View{Self: n.Name}
		for _, other := range nodes {
			v.Nodes = append(v.Nodes, other.Node)
		}
		n.do(tb, order{Gossip: &v})
	}
}

// owned is an entity that belongs on the node by the view of all these.
func owned(by *node, nodes ...*node) string {
	var v View
	for _, n := range append(nodes, by) {
		v.Nodes = append(v.Nodes, n.Node)
	}
	for i := 0; ; i++ {
		if owner, _ := v.Owner("project", id(i)); owner.Name == by.Name {
			return id(i)
		}
	}
}

// done waits until the node has carried out so many of one sort.
func (n *node) done(tb testing.TB, what string, times int) {
	tb.Helper()
	require.Eventually(tb, func() bool { return n.do(tb, order{Do: "done"}).Done[what] >= times }, 10*time.Second, 5*time.Millisecond)
}
