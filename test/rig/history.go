package rig

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// History is all that was asked of one project, with the times of call and
// return. Unknown ends stay open.
type History struct {
	begin State

	mu      sync.Mutex // of everything below
	known   []porcupine.Operation
	unknown []porcupine.Operation // changes that may have been made
	lost    int                   // looks without an answer: they tell nothing
	notDone int
	callers int
	good    map[good]int // successes by node
}

type good struct {
	node  string
	write bool
}

// clock is monotonic time, the same for all histories of the process.
var clock = func() func() int64 {
	start := time.Now()
	return func() int64 { return int64(time.Since(start)) }
}()

// NewHistory begins a history with the project as it was created.
func NewHistory(p *Project) *History {
	return &History{begin: State{Limit: p.Settings.MaxCollaborators, Version: p.Version, Seq: p.Seq}, good: make(map[good]int)}
}

// Caller numbers one who asks one thing after the other.
func (h *History) Caller() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.callers++
	return h.callers - 1
}

func (a Action) writes() bool {
	return a == AddMember || a == RemoveMember || a == ChangeRole || a == ChangeLimit
}

// add records one operation. It returns the caller's number for the next one:
// another after an open end, since that one is still asking, as it were.
func (h *History) add(caller int, in Input, call int64, out Output) int {
	returned := clock()
	h.mu.Lock()
	defer h.mu.Unlock()
	op := porcupine.Operation{ClientId: caller, Input: in, Call: call, Output: out, Return: returned}
	switch {
	case out.Outcome == NotDone:
		h.notDone++
		return caller
	case out.Outcome == Answered:
		if h.known = append(h.known, op); out.Code == "" {
			h.good[good{in.Node, in.Action.writes()}]++
		}
		return caller
	case in.Action.writes():
		h.unknown = append(h.unknown, op)
	default:
		h.lost++
	}
	h.callers++
	return h.callers - 1
}

// operations is the history for the checker: open ends last for ever.
func (h *History) operations() []porcupine.Operation {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := slices.Concat(h.known, h.unknown)
	end := clock()
	for i := len(h.known); i < len(all); i++ {
		all[i].Return = end
	}
	return all
}

// checkTime bounds the search for an order of one history. One that is fine
// takes milliseconds, since the answers carry versions.
const checkTime = time.Minute

// Check holds the history against the model. What cannot be explained is a
// finding, drawn and listed in the scenario's directory.
func (h *History) Check(s *Scenario, name string) {
	s.Helper()
	operations := h.operations()
	held := model(h.begin)
	switch porcupine.CheckOperationsTimeout(held, operations, checkTime) {
	case porcupine.Ok:
		return
	case porcupine.Unknown:
		s.Errorf("the history of %s was not checked in %s", name, checkTime)
		return
	}
	_, info := porcupine.CheckOperationsVerbose(held, operations, checkTime)
	contradiction := explain(h.begin, operations, info)
	path := filepath.Join(s.Dir, name)
	s.Must(os.WriteFile(path+".txt", []byte(contradiction+"\n\n"+list(operations)), 0o644))
	if err := porcupine.VisualizePath(held, info, path+".html"); err != nil {
		s.Logf("the history of %s cannot be drawn: %v", name, err)
	}
	s.Found("%s: %s", name, contradiction)
}

// explain names the first operation that fits nowhere behind the longest order
// that was found.
func explain(begin State, operations []porcupine.Operation, info porcupine.LinearizationInfo) string {
	var longest []porcupine.Operation
	for _, partial := range info.PartialLinearizationsOperations()[0] {
		if len(partial) > len(longest) {
			longest = partial
		}
	}
	state := begin
	placed := make(map[porcupine.Operation]int, len(longest))
	for _, op := range longest {
		_, state = step(state, op.Input.(Input), op.Output.(Output))
		placed[op]++
	}
	var stuck *porcupine.Operation
	for i, op := range operations {
		if placed[op]--; placed[op] < 0 && (stuck == nil || op.Return < stuck.Return) {
			stuck = &operations[i]
		}
	}
	if stuck == nil {
		return "not linearizable"
	}
	return fmt.Sprintf("not linearizable after %d of %d operations: “%s” at %s has no place where the project is at %s",
		len(longest), len(operations), Describe(stuck.Input.(Input), stuck.Output.(Output)), moment(stuck.Return), state)
}

func moment(t int64) string { return time.Duration(t).Round(time.Microsecond).String() }

// list is a history as text, in the order of the returns.
func list(operations []porcupine.Operation) string {
	slices.SortFunc(operations, func(a, b porcupine.Operation) int { return cmp.Compare(a.Return, b.Return) })
	var text []byte
	for _, op := range operations {
		text = fmt.Appendf(text, "%14s … %-14s %3d  %s\n", moment(op.Call), moment(op.Return), op.ClientId, Describe(op.Input.(Input), op.Output.(Output)))
	}
	return string(text)
}

// Counts of one history or several.
type Counts struct {
	Known, Unknown, NotDone int
	good                    map[good]int
}

// Count adds up histories.
func Count(histories []*History) Counts {
	c := Counts{good: make(map[good]int)}
	for _, h := range histories {
		h.mu.Lock()
		c.Known += len(h.known)
		c.Unknown += len(h.unknown) + h.lost
		c.NotDone += h.notDone
		for k, n := range h.good {
			c.good[k] += n
		}
		h.mu.Unlock()
	}
	return c
}

// Since is how many looks and changes succeeded on a node after the earlier count.
func (c Counts) Since(earlier Counts, n *Node) (looks, changes int) {
	look, change := good{n.Name, false}, good{n.Name, true}
	return c.good[look] - earlier.good[look], c.good[change] - earlier.good[change]
}

// leastKnown is the share of ends that must be known for a run to count.
const leastKnown = 0.95

// Judge says whether the run counts: almost all ends are known, and looks and
// changes succeeded on the nodes of all these clients.
func (c Counts) Judge(s *Scenario, clients ...*Client) {
	s.Helper()
	total := c.Known + c.Unknown // what was certainly not done would only adorn the share
	s.Logf("%d operations: %d answered, %d unknown; %d more were not carried out", total, c.Known, c.Unknown, c.NotDone)
	if float64(c.Unknown) > (1-leastKnown)*float64(total) {
		s.Errorf("the ends of %d of %d operations are unknown: this run shows nothing", c.Unknown, total)
	}
	for _, n := range clients {
		reads, writes := c.good[good{n.Node.Name, false}], c.good[good{n.Node.Name, true}]
		s.Logf("node %s: %d looks and %d changes succeeded", n.Node.Name, reads, writes)
		if reads == 0 || writes == 0 {
			s.Errorf("on node %s %d looks and %d changes succeeded: this run shows nothing", n.Node.Name, reads, writes)
		}
	}
}
