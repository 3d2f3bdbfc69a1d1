package rig

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"atelier/test/services"
)

// patience is how long a node may take to start, and to stop.
const patience = 60 * time.Second

// publicURL is the same for all nodes of a scenario, whatever their ports: a
// token of one is good on the others.
const publicURL = "http://atelier.test"

// Node is one atelier process after the other, with one name and one data
// directory.
type Node struct {
	Name    string
	Version Version // that Restart starts

	scenario *Scenario
	host     *services.Host // nil: this machine
	settings []string
	api      atomic.Pointer[string] // address of the API; written by start, read by every request
	cmd      *exec.Cmd
	log      *log
	done     chan struct{} // closed when the process has ended
}

// Start starts a node on a database: postgres://…, or empty for the embedded one
// in the node's own data directory. It answers requests when Start returns. It
// is stopped with the scenario. Settings are more variables for it. Races, panics and errors in its log are findings,
// but for errors in a scenario that takes the database away.
func (s *Scenario) Start(name, database string, settings ...string) *Node {
	return s.start(name, database, place{settings: settings})
}

// StartWith starts a node with more settings.
func (s *Scenario) StartWith(name, database string, settings ...string) *Node {
	return s.start(name, database, place{settings: settings})
}

// StartCluster starts nodes that are one cluster.
func (s *Scenario) StartCluster(database string, names ...string) []*Node {
	s.Helper()
	return s.startCluster(database, names, func(int) place { return place{} })
}

// StartClusterWith starts them with more settings for each, by its name.
func (s *Scenario) StartClusterWith(database string, more func(name string) []string, names ...string) []*Node {
	s.Helper()
	return s.startCluster(database, names, func(i int) place { return place{settings: more(names[i])} })
}

// startCluster starts nodes in places of their own.
func (s *Scenario) startCluster(database string, names []string, where func(i int) place) (nodes []*Node) {
	s.Helper()
	places, gossips := make([]place, len(names)), make([]string, len(names))
	for i := range places {
		places[i] = where(i)
		var cluster, api, ops string
		cluster, gossips[i], api, ops = places[i].addresses(s)
		places[i].settings = append([]string{"ATELIER_CLUSTER_NAME=rig", "ATELIER_CLUSTER_PRESET=local", "ATELIER_CLUSTER_ADDR=" + cluster,
			"ATELIER_GOSSIP_ADDR=" + gossips[i], "ATELIER_HTTP_ADDR=" + api, "ATELIER_OPS_ADDR=" + ops}, places[i].settings...)
	}
	for i, name := range names {
		places[i].settings = append([]string{"ATELIER_CLUSTER_SEEDS=" + strings.Join(append(places[i].seeds, gossips...), ",")}, places[i].settings...)
		nodes = append(nodes, s.start(name, database, places[i]))
	}
	return nodes
}

// Join starts a node that finds the cluster by another's gossip.
func (s *Scenario) Join(cluster []*Node, name, database string, settings ...string) *Node {
	s.Helper()
	var seeds []string
	for _, n := range cluster {
		seeds = append(seeds, n.Setting("ATELIER_GOSSIP_ADDR"))
	}
	return s.startCluster(database, []string{name}, func(int) place {
		return place{settings: settings, seeds: seeds}
	})[0]
}

func (s *Scenario) start(name, database string, where place) *Node {
	s.Helper()
	dir := filepath.Join(s.Dir, name)
	s.Must(os.MkdirAll(dir, 0o700))
	n := &Node{Name: name, Version: This, scenario: s, host: where.host, settings: append([]string{
		"ATELIER_DATA_DIR=" + dir, "ATELIER_DATABASE_URL=" + database, "ATELIER_HTTP_ADDR=127.0.0.1:0", "ATELIER_OPS_ADDR=127.0.0.1:0",
		"ATELIER_PUBLIC_URL=" + publicURL, "ATELIER_NODE_NAME=" + name, "ATELIER_RATE_LIMITS=off",
	}, where.settings...)}
	var err error
	n.log, err = newLog(filepath.Join(s.Dir, name+".log"))
	s.Must(err)
	s.Cleanup(func() {
		if n.running() {
			_ = n.cmd.Process.Signal(syscall.SIGTERM)
			n.awaitEnd()
		}
		n.log.close()
		for _, line := range n.log.alarms {
			if !s.Outage || !strings.Contains(line, "level=ERROR") {
				s.Found("the log of node %s says: %s", name, line)
			}
		}
	})
	n.Restart()
	return n
}

// Restart starts the node again after it has ended.
func (n *Node) Restart() {
	n.scenario.Helper()
	version := n.Version
	if n.Setting(wrongBy) != "" {
		version = clockless
	}
	path, err := version()
	n.scenario.Must(err)
	n.cmd = exec.Command(path, "serve")
	if n.host != nil {
		n.cmd = n.host.Command(path, "serve")
	}
	n.cmd.Env = append(environment(), n.settings...)
	n.cmd.Stdout, n.cmd.Stderr = n.log, n.log
	ready := n.log.expect()
	n.scenario.Must(n.scenario.Begin(n.cmd))
	n.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		_ = cmd.Wait()
		close(done)
	}(n.cmd, n.done)
	select {
	case address := <-ready:
		n.api.Store(&address)
	case <-n.done:
		n.scenario.Fatalf("node %s ended at its start:\n%s", n.Name, n.log.tail())
	case <-time.After(patience):
		n.scenario.Fatalf("node %s is not ready:\n%s", n.Name, n.log.tail())
	}
}

// Address is host:port of the API.
func (n *Node) Address() string { return *n.api.Load() }

// Setting is the value of a variable that the node is started with: the last
// one counts.
func (n *Node) Setting(name string) (value string) {
	for _, s := range n.settings {
		if v, is := strings.CutPrefix(s, name+"="); is {
			value = v
		}
	}
	return value
}

// Run runs another command of the program to its end, and returns what it said.
func (s *Scenario) Run(args ...string) string {
	s.Helper()
	said, err := s.Try(args...)
	if err != nil {
		s.Fatalf("atelier %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	return said
}

// Try is Run for a command that may fail.
func (s *Scenario) Try(args ...string) (said string, err error) {
	s.Helper()
	path, err := This()
	s.Must(err)
	cmd := exec.CommandContext(s.Context(), path, args...)
	cmd.Env = environment()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Dir is the node's data directory.
func (n *Node) Dir() string { return filepath.Join(n.scenario.Dir, n.Name) }

// Kill ends the process without a warning.
func (n *Node) Kill() {
	n.scenario.Fault("kill -9")
	_ = n.cmd.Process.Kill()
	<-n.done
}

// Freeze stops the process where it is; Thaw lets it go on.
func (n *Node) Freeze() {
	n.scenario.Fault("SIGSTOP")
	_ = n.cmd.Process.Signal(syscall.SIGSTOP)
}

// Thaw ends a Freeze.
func (n *Node) Thaw() { _ = n.cmd.Process.Signal(syscall.SIGCONT) }

// TellToStop sends SIGTERM, and does not wait.
func (n *Node) TellToStop() {
	n.scenario.Fault("SIGTERM")
	_ = n.cmd.Process.Signal(syscall.SIGTERM)
}

// Terminate asks the process to stop, waits for its end and returns its exit
// code; -1 when it had to be killed.
func (n *Node) Terminate() int {
	n.TellToStop()
	return n.awaitEnd()
}

func (n *Node) awaitEnd() (code int) {
	select {
	case <-n.done:
	case <-time.After(patience):
		n.scenario.Errorf("node %s does not stop", n.Name)
		n.Kill()
	}
	return n.cmd.ProcessState.ExitCode()
}

// Said reports how many lines of the node's log have the text.
func (n *Node) Said(text string) (lines int) {
	content, err := os.ReadFile(filepath.Join(n.scenario.Dir, n.Name+".log"))
	n.scenario.Must(err)
	for line := range strings.Lines(string(content)) {
		if strings.Contains(line, text) {
			lines++
		}
	}
	return lines
}

// AwaitSaid waits until so many lines of the node's log have the text.
func (s *Scenario) AwaitSaid(n *Node, text string, lines int) {
	s.Helper()
	for deadline := time.Now().Add(patience); n.Said(text) < lines; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatalf("node %s says %d times %q, and not %d:\n%s", n.Name, n.Said(text), text, lines, n.log.tail())
		}
	}
}

func (n *Node) running() bool {
	select {
	case <-n.done:
		return false
	default:
		return true
	}
}

// environment is this process's without settings of Atelier's.
func environment() (kept []string) {
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "ATELIER_") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// starter runs functions on one thread for ever: the death signal of a child
// comes when the thread that started it ends.
var starter = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// Begin starts a command that ends with this process, in a process group of its
// own.
func (s *Scenario) Begin(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return begin(cmd)
}

func begin(cmd *exec.Cmd) error {
	started := make(chan error)
	starter() <- func() { started <- cmd.Start() }
	return <-started
}

var (
	banner = regexp.MustCompile(`API\s+http://(\S+)/api/v1`)
	alarm  = regexp.MustCompile(`DATA RACE|panic|level=ERROR`)
	busy   = regexp.MustCompile(`failed to connect|deadline exceeded|timeout`) // on a machine that has other things to do
)

// log is the file of what a node says. It tells the address in the banner and
// keeps the first lines that no node should say.
type log struct {
	mu     sync.Mutex // of everything below
	file   *os.File
	line   bytes.Buffer
	last   []string
	alarms []string
	ready  chan string
}

func newLog(path string) (*log, error) {
	file, err := os.Create(path)
	return &log{file: file}, err
}

// expect returns a channel for the address in the next banner.
func (l *log) expect() <-chan string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ready = make(chan string, 1)
	return l.ready
}

// Write implements io.Writer.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range p {
		if l.line.WriteByte(c); c == '\n' {
			l.read(strings.TrimRight(l.line.String(), "\n"))
			l.line.Reset()
		}
	}
	return l.file.Write(p)
}

func (l *log) read(line string) {
	if found := banner.FindStringSubmatch(line); found != nil {
		l.ready <- found[1]
	}
	if alarm.MatchString(line) && !busy.MatchString(line) && len(l.alarms) < 3 {
		l.alarms = append(l.alarms, line)
	}
	if l.last = append(l.last, line); len(l.last) > 40 {
		l.last = l.last[1:]
	}
}

func (l *log) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprint(strings.Join(l.last, "\n"))
}

func (l *log) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.file.Close()
}
