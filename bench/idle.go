package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"
)

const (
	idleSockets = 10_000
	idleTarget  = 15              // KiB of each
	idleSettle  = 5 * time.Second // writers end when nothing has come for a second
	filesBeside = 500             // that processes have open besides
)

// idle measures what sockets take that watch a project and hear nothing.
func (r *rig) idle(ctx context.Context, o options) (found findings, err error) {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return found, err
	}
	if files.Max < idleSockets+filesBeside {
		return found, fmt.Errorf("a process may have %d files open: ulimit -Hn %d", files.Max, idleSockets+filesBeside)
	}
	s, err := r.open(ctx, "idle")
	if err != nil {
		return found, err
	}
	defer s.server.stop()
	if err := s.populate(ctx, 1, ""); err != nil {
		return found, err
	}
	crowd := &loiterers{s: s}
	defer crowd.leave()
	if err := crowd.come(len(s.owns)); err != nil { // and all that is made once
		return found, err
	}
	before, err := s.server.settled()
	if err != nil {
		return found, err
	}
	if err := crowd.come(idleSockets); err != nil {
		return found, err
	}
	after, err := s.server.settled()
	if err != nil {
		return found, err
	}
	if o.profiles != "" {
		if err := s.server.keep(o.profiles, "live-idle", "heap?gc=1"); err != nil {
			return found, err
		}
	}
	if err := crowd.alive(); err != nil {
		return found, err
	}
	each := func(f func(taken) float64) float64 { return (f(after) - f(before)) / idleSockets / 1024 }
	found.figures = []figure{
		{Name: fmt.Sprintf("each of %d, heap and stacks", idleSockets), Value: each(func(t taken) float64 { return t.used }), Unit: "KiB", Target: upTo(idleTarget)},
		{Name: "each, resident, with what opening has left behind", Value: each(func(t taken) float64 { return t.resident }), Unit: "KiB"},
	}
	return found, nil
}

// loiterers are sockets that watch and wait.
type loiterers struct {
	s       *site
	mu      sync.Mutex
	lines   []*socket
	ended   []error
	reading sync.WaitGroup
}

// come opens so many sockets, each on the next project.
func (l *loiterers) come(n int) error {
	return spread(n, opening, func(i int) error {
		v := l.s.channel(l.s.owns[i%len(l.s.owns)])
		v.buffer = 2 << 10
		line, err := v.greeted(v.greet)
		if err == nil {
			l.keep(line)
		}
		return err
	})
}

// keep answers pings until the socket ends.
func (l *loiterers) keep(line *socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	l.reading.Go(func() {
		err := line.read(func([]byte, bool) {})
		l.mu.Lock()
		defer l.mu.Unlock()
		l.ended = append(l.ended, err)
	})
}

// alive holds that all are there still.
func (l *loiterers) alive() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.ended...)
}

func (l *loiterers) leave() {
	hangUp(l.lines)
	l.reading.Wait()
}

// taken is memory in bytes.
type taken struct{ used, resident float64 }

// settled is what the program takes when nothing has happened for a while.
func (c *child) settled() (taken, error) {
	time.Sleep(idleSettle)
	m, err := c.memory()
	return taken{used: m.heap + m.stacks, resident: residentMiB(c.cmd.Process.Pid) * (1 << 20)}, err
}
