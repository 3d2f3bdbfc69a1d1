package actors

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"atelier/actors/store"
	"atelier/messages"
)

// CommitterConfig bounds the group commit.
type CommitterConfig struct {
	Writers int           // goroutines that write, each its own share of the streams
	Group   int           // most commits written together
	Backlog int           // commits that may wait for a writer; more are refused
	Timeout time.Duration // of one write
}

// DefaultCommitterConfig suits Postgres; SQLite has one writer.
func DefaultCommitterConfig() CommitterConfig {
	return CommitterConfig{Writers: 2, Group: 256, Backlog: 4096, Timeout: 5 * time.Second}
}

// Committer writes the commits of all entities of a node in groups: the next
// group is whatever arrived while the last one was written. There is no timer.
type Committer struct {
	config CommitterConfig
	writer store.Writer
	meter  Meter
	log    *slog.Logger
	seed   maphash.Seed
	queues []chan submission
	done   sync.WaitGroup

	away    atomic.Bool  // the last attempt could not write; said once when it changes
	mu      sync.RWMutex // held for reading while submitting: no send on a closed queue
	stopped bool
}

type submission struct {
	commit *store.Commit
	done   func(store.Result)
}

// NewCommitter starts the writers; Stop ends them. Without a meter nobody counts.
func NewCommitter(config CommitterConfig, writer store.Writer, meter Meter, log *slog.Logger) *Committer {
	if meter == nil {
		meter = unmetered{}
	}
	c := &Committer{config: config, writer: writer, meter: meter, log: log, seed: maphash.MakeSeed()}
	for range config.Writers {
		queue := make(chan submission, config.Backlog)
		c.queues = append(c.queues, queue)
		c.done.Go(func() { c.run(queue) })
	}
	return c
}

// Submit hands a commit to its writer and never blocks. It reports false, and
// does not call done, when too many wait or the committer was stopped; else
// done is called once, from the writer's goroutine.
func (c *Committer) Submit(commit *store.Commit, done func(store.Result)) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.stopped {
		return false
	}
	queue := c.queues[maphash.String(c.seed, commit.ID)%uint64(len(c.queues))]
	select {
	case queue <- submission{commit, done}:
		return true
	default:
		return false
	}
}

// Stop writes what was accepted and ends the writers.
func (c *Committer) Stop() {
	c.mu.Lock()
	if !c.stopped {
		c.stopped = true
		for _, queue := range c.queues {
			close(queue)
		}
	}
	c.mu.Unlock()
	c.done.Wait()
}

func (c *Committer) run(queue chan submission) {
	group := make([]submission, 0, c.config.Group)
	commits := make([]*store.Commit, 0, c.config.Group)
	for first := range queue {
		group, commits = append(group[:0], first), append(commits[:0], first.commit)
		for len(group) < c.config.Group {
			next, ok := poll(queue)
			if !ok {
				break
			}
			group, commits = append(group, next), append(commits, next.commit)
		}
		told := early(group)
		began := time.Now()
		results := c.write(commits)
		c.meter.Committed(len(group), time.Since(began))
		if slices.ContainsFunc(results, func(r store.Result) bool { return errors.Is(r.Err, store.ErrSilent) }) {
			refuse(queue)
		}
		for i, result := range results {
			if !told {
				group[i].done(result)
			}
		}
		clear(group)
		clear(commits)
	}
}

// errUnheard is the end of commits that a silent database was not sent.
var errUnheard = fmt.Errorf("%w: %w", store.ErrSilent, errUnavailable)

// refuse answers what waits behind a group that has waited for a silent database: it
// would wait as long again.
func refuse(queue chan submission) {
	for next, ok := poll(queue); ok; next, ok = poll(queue) {
		next.done(store.Result{Err: errUnheard})
	}
}

func poll(queue chan submission) (submission, bool) {
	select {
	case s, ok := <-queue:
		return s, ok
	default:
		return submission{}, false
	}
}

// write writes a group. What certainly failed is written again member by member,
// so that one bad member harms nobody else; a member that fails alone was refused
// for a reason that is ours to mend.
func (c *Committer) write(group []*store.Commit) []store.Result {
	results, err := c.attempt(group)
	if errors.Is(err, store.ErrRaced) {
		results, err = c.attempt(group) // who met the others once will see them now
	}
	if err != nil {
		results = same(len(group), err)
	}
	if len(group) > 1 && errors.Is(err, store.ErrRolledBack) && !errors.Is(err, store.ErrUnavailable) {
		c.log.Warn("a group of commits failed and is written one by one", "commits", len(group), "error", err)
	}
	until := time.Now().Add(c.config.Timeout)
	for i, r := range results {
		switch {
		case !errors.Is(r.Err, store.ErrRolledBack):
		case errors.Is(r.Err, store.ErrSilent):
			results[i] = store.Result{Err: errUnheard}
		case errors.Is(r.Err, store.ErrUnavailable):
			results[i] = store.Refused(errUnavailable)
		case errors.Is(r.Err, store.ErrBlocked) && len(group) == 1, time.Now().After(until):
			results[i] = store.Refused(errBlocked)
		default:
			results[i] = c.single(group[i])
		}
	}
	return results
}

const singleAttempts = 3 // deadlocks and racing commands end within that many

var errBlocked = messages.Refuse(messages.CodeUnavailable, "the database keeps this change waiting for too long; nothing was changed")

func (c *Committer) single(commit *store.Commit) store.Result {
	var err error
	for range singleAttempts {
		var results []store.Result
		if results, err = c.attempt([]*store.Commit{commit}); err == nil {
			return results[0]
		}
		switch {
		case errors.Is(err, store.ErrUnavailable):
			return store.Refused(errUnavailable)
		case errors.Is(err, store.ErrBlocked):
			return store.Refused(errBlocked)
		case !errors.Is(err, store.ErrRolledBack):
			return store.Result{Err: err}
		}
	}
	c.log.Error("a commit was refused by the database", "kind", commit.Kind, "id", commit.ID, "error", err)
	return store.Refused(errInternal)
}

func (c *Committer) attempt(group []*store.Commit) ([]store.Result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.config.Timeout)
	defer cancel()
	results, err := c.writer.Write(ctx, group)
	if away := errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrSilent); c.away.Swap(away) != away {
		if away {
			c.log.Error("nothing can be written; commands are refused until it can", "error", err)
		} else {
			c.log.Info("the database can be written again")
		}
	}
	return results, err
}

func same(n int, err error) []store.Result {
	results := make([]store.Result, n)
	for i := range results {
		results[i].Err = err
	}
	return results
}
