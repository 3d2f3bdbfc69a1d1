package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"atelier/actors/document/yupdate"
	"atelier/test/services"
)

const (
	traceInserts = 182_315 // as many as the trace of B4 in Yjs' benchmarks has,
	traceDeletes = 77_463  // and as many
	mergeShare   = 0.25    // of the time of Node's yjs
)

// trace measures what it takes to merge all updates of a document's life, one for each
// key, beside Node's yjs, and how small the result is.
func (r *rig) trace(ctx context.Context, o options) (found findings, err error) {
	if err := services.InstallNodePackages("bench/yjs"); err != nil {
		return found, err
	}
	from, updates, compacted := o.trace, filepath.Join(r.dir, "updates"), filepath.Join(r.dir, "compacted")
	if from == "" {
		from = filepath.Join(r.dir, "trace.json")
		if err := makeTrace(from); err != nil {
			return found, err
		}
	}
	var recorded struct{ Edits int }
	if err := runTrace(ctx, &recorded, "record", from, updates); err != nil {
		return found, err
	}
	log, err := os.ReadFile(updates)
	if err != nil {
		return found, err
	}
	var theirs struct {
		Seconds          float64
		Merged, Document int
	}
	var shares, ours, theirTime []float64
	var size int
	for range max(1, o.rounds) {
		began := ownTime()
		whole, err := mergeAll(log)
		if err != nil {
			return found, err
		}
		spent := ownTime() - began
		small := whole.Compact().Encode()
		if err := os.WriteFile(compacted, small, 0o600); err != nil {
			return found, err
		}
		if err := runTrace(ctx, &theirs, "merge", updates); err != nil {
			return found, err
		}
		size = len(small)
		ours, theirTime, shares = append(ours, spent), append(theirTime, theirs.Seconds), append(shares, spent/theirs.Seconds)
	}
	var checked struct{ Same bool }
	if err := runTrace(ctx, &checked, "check", updates, compacted); err != nil {
		return found, err
	}
	if !checked.Same {
		return found, errors.New("the compacted update is another text")
	}
	found.figures = []figure{
		{Name: fmt.Sprintf("%d updates parsed and merged, CPU", recorded.Edits), Value: median(ours), Unit: "s"},
		{Name: "by Node's yjs, 500 at a time, CPU", Value: median(theirTime), Unit: "s"},
		{Name: "share of its time", Value: median(shares), Target: upTo(mergeShare)},
		{Name: "compacted", Value: float64(size), Unit: "bytes", Target: upTo(float64(theirs.Document))},
		{Name: "the Y.Doc of Node's yjs", Value: float64(theirs.Document), Unit: "bytes"},
		{Name: "what it merges to there", Value: float64(theirs.Merged), Unit: "bytes"},
	}
	return found, nil
}

// runTrace runs the script and reads its answer.
func runTrace(ctx context.Context, into any, arguments ...string) error {
	cmd := exec.CommandContext(ctx, "node", append([]string{"--max-old-space-size=8192", "bench/yjs/trace.mjs"}, arguments...)...)
	cmd.Stderr = os.Stderr
	answer, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("trace.mjs %s: %w", arguments[0], err)
	}
	return json.Unmarshal(answer, into)
}

// ownTime is the CPU time of this process, in seconds.
func ownTime() float64 {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(used.Utime) + seconds(used.Stime)
}

// mergeAll merges a file of updates.
func mergeAll(log []byte) (*yupdate.Update, error) {
	var all []*yupdate.Update
	for len(log) > 0 {
		n := 4 + int(binary.LittleEndian.Uint32(log))
		u, err := yupdate.Parse(log[4:n], yupdate.DefaultLimits())
		if err != nil {
			return nil, err
		}
		all, log = append(all, u), log[n:]
	}
	return yupdate.Merge(all...), nil
}

// makeTrace writes a trace of the size of B4: one author, who mostly writes on, takes
// back some of it, and now and then goes elsewhere.
func makeTrace(into string) error {
	dice := rand.New(rand.NewPCG(4, 259_778))
	type txn struct {
		Patches [][3]any `json:"patches"`
	}
	var txns []txn
	length, at := 0, 0
	for inserts, deletes := traceInserts, traceDeletes; inserts+deletes > 0; {
		if dice.IntN(60) == 0 {
			at = dice.IntN(length + 1)
		}
		run, erase := 1+dice.IntN(12), inserts == 0 || deletes > 0 && at > 0 && dice.IntN(inserts+deletes) < deletes
		for ; run > 0 && (erase && deletes > 0 && at > 0 || !erase && inserts > 0); run-- {
			if erase {
				at, length, deletes = at-1, length-1, deletes-1
				txns = append(txns, txn{[][3]any{{at, 1, ""}}})
				continue
			}
			txns = append(txns, txn{[][3]any{{at, 0, string(rune('a' + dice.IntN(26)))}}})
			at, length, inserts = at+1, length+1, inserts-1
		}
		if erase && at == 0 && length > 0 {
			at = length
		}
	}
	text, err := json.Marshal(map[string]any{"txns": txns})
	if err != nil {
		return err
	}
	return os.WriteFile(into, text, 0o600)
}
