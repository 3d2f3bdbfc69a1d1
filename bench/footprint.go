package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

const footprintCase = "footprint"

// footprint measures what the program takes without being asked for anything.
func (r *rig) footprint(ctx context.Context, o options) ([]figure, error) {
	info, err := os.Stat(r.binary)
	if err != nil {
		return nil, err
	}
	figures := []figure{{Name: "binary", Value: float64(info.Size()) / 1e6, Unit: "MB", Target: upTo(45)}}
	r.server.stop() // on a database of its own a node may answer from memory
	started, err := r.startUp(ctx, r.ours)
	if err != nil {
		return nil, err
	}
	started.Name, started.Target = "start on a migrated Postgres", upTo(1500)
	figures = append(figures, started)
	embedded, err := r.startUp(ctx, "")
	if err != nil {
		embedded.Note = "does not start: " + lastLine(err)
	}
	embedded.Name, embedded.Target = "start, embedded", upTo(100)
	figures = append(figures, embedded)
	live, err := r.alive(ctx, o)
	return append(figures, live...), err
}

// alive measures a node on a database with many projects.
func (r *rig) alive(ctx context.Context, o options) ([]figure, error) {
	if err := r.seed(ctx, r.ours, `INSERT INTO projects (id, name, description, owner_id, settings) SELECT `+numbered("n")+`, 'Project ' || n, $3, $2,
		'{"public":false,"max_collaborators":10,"allow_comments":true}' FROM generate_series(1, $1) n ON CONFLICT DO NOTHING`, o.entities, r.users[0].id, description); err != nil {
		return nil, err
	}
	c, err := r.serve(ctx, r.ours)
	if err != nil {
		return nil, err
	}
	defer c.stop()
	rest, err := r.atRest(ctx, c)
	if err != nil {
		return nil, err
	}
	weight, err := r.weigh(ctx, c, o)
	return append(rest, weight...), err
}

func lastLine(err error) string {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	return lines[len(lines)-1]
}

const starts = 5

// startUp is the median time from the start of the process to its first answer.
func (r *rig) startUp(ctx context.Context, database string) (figure, error) {
	var took []float64
	for n := range starts + 1 {
		c, err := r.serve(ctx, database)
		if err != nil {
			return figure{Unit: "ms"}, err
		}
		if n > 0 { // the first one may find the file not cached
			took = append(took, c.ready.Seconds()*1e3)
		}
		c.stop()
	}
	progress("%s: started %d times", footprintCase, starts)
	return figure{Value: median(took), Unit: "ms"}, nil
}

// atRest is what a node takes that is not asked for anything, then for nothing
// but log-ins: hashing a password takes 19 MiB on purpose.
func (r *rig) atRest(ctx context.Context, c *child) ([]figure, error) {
	time.Sleep(2 * time.Second) // at rest is what it is after it has settled
	idle := residentMiB(c.cmd.Process.Pid)
	r.server = c
	if err := forgetPeak(c.cmd.Process.Pid); err != nil {
		return nil, err
	}
	if _, err := r.login(8).race(ctx, span{0, 4 * time.Second}); err != nil {
		return nil, err
	}
	peak := peakMiB(c.cmd.Process.Pid)
	return []figure{
		{Name: "idle, resident", Value: idle, Unit: "MiB", Target: upTo(40)},
		{Name: "while log-ins saturate, resident", Value: peak, Unit: "MiB", Target: upTo(math.Round(idle + 38*float64(slots())))},
	}, nil
}

// slots is how many passwords the program hashes at one time.
func slots() int { return max(1, runtime.GOMAXPROCS(0)-1) }

// weigh reads many projects once each and measures what they leave in memory.
func (r *rig) weigh(ctx context.Context, c *child, o options) ([]figure, error) {
	if err := c.signIn(r.users[0]); err != nil {
		return nil, err
	}
	before, err := c.memory()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := r.touch(ctx, c, o.entities); err != nil {
		return nil, err
	}
	took := time.Since(began)
	after, err := c.memory()
	if err != nil {
		return nil, err
	}
	if o.profiles != "" {
		if err := c.keep(o.profiles, footprintCase, "heap?gc=1"); err != nil {
			return nil, err
		}
	}
	each := (after.heap - before.heap) / float64(o.entities)
	return []figure{
		{Name: fmt.Sprintf("%d idle projects, resident", o.entities), Value: residentMiB(c.cmd.Process.Pid), Unit: "MiB"},
		{Name: "each of them with its state, heap", Value: each, Unit: "bytes"},
		{Name: "activations", Value: float64(o.entities) / took.Seconds(), Unit: "/s"},
		{Name: "longest pause meanwhile", Value: after.pause, Unit: "ms", Target: upTo(250)},
	}, nil
}

const touchers = 16

// touch reads each of the seeded projects once.
func (r *rig) touch(ctx context.Context, c *child, n int) error {
	var next atomic.Int64
	l := load{[]string{c.address}, touchers, func(int) client {
		return client{next: func(q *fasthttp.Request) {
			fill(q, "GET", "/api/v1/projects/"+number(1+int(next.Add(1)-1)%n), r.users[0].token)
		}}
	}}
	for next.Load() < int64(n) {
		if _, err := l.run(ctx, span{0, time.Second}, func() error { return nil }); err != nil {
			return err
		}
		progress("%s: %d of %d projects are live", footprintCase, min(next.Load(), int64(n)), n)
	}
	return nil
}

// memory is what the program's runtime says after a collection.
type memory struct{ heap, stacks, pause float64 } // bytes, bytes, ms

var (
	heapAlloc   = regexp.MustCompile(`(?m)^# HeapAlloc = (\d+)`)
	stacksInUse = regexp.MustCompile(`(?m)^# Stack = (\d+) /`)
	pauses      = regexp.MustCompile(`(?m)^# PauseNs = \[(.*)\]`)
)

func (c *child) memory() (memory, error) {
	_, body, err := fasthttp.GetTimeout(nil, "http://"+c.ops+"/debug/pprof/heap?gc=1&debug=1", patience)
	if err != nil {
		return memory{}, err
	}
	heap, stacks, pause := heapAlloc.FindSubmatch(body), stacksInUse.FindSubmatch(body), pauses.FindSubmatch(body)
	if heap == nil || stacks == nil || pause == nil {
		return memory{}, errors.New("the heap profile has not the expected form")
	}
	var m memory
	m.heap, _ = strconv.ParseFloat(string(heap[1]), 64)
	m.stacks, _ = strconv.ParseFloat(string(stacks[1]), 64)
	for _, ns := range strings.Fields(string(pause[1])) {
		n, _ := strconv.ParseFloat(ns, 64)
		m.pause = max(m.pause, n/1e6)
	}
	return m, nil
}

// profile lets ours take one more turn, which does not count, under the profiler.
func (r *rig) profile(ctx context.Context, c contest, o options) error {
	seconds := int(o.span.measured.Seconds() + 1)
	taken := make(chan error, 1)
	go func() {
		taken <- cmp.Or(c.program, r.server).keep(o.profiles, c.name, fmt.Sprintf("profile?seconds=%d", seconds))
	}()
	_, err := c.ours.race(ctx, span{0, time.Duration(seconds) * time.Second})
	return errors.Join(err, <-taken)
}

// keep writes one of the program's profiles to a file named after the case.
func (c *child) keep(dir, name, profile string) error {
	_, body, err := fasthttp.GetTimeout(nil, "http://"+c.ops+"/debug/pprof/"+profile, patience)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".pprof"), body, 0o644)
	}
	return err
}
