package actors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/actors/store"
	"atelier/messages"
)

// writerFunc is a store.Writer.
type writerFunc func(group []*store.Commit) ([]store.Result, error)

func (f writerFunc) Write(_ context.Context, group []*store.Commit) ([]store.Result, error) {
	return f(group)
}

func testCommitter(t *testing.T, config CommitterConfig, w writerFunc) *Committer {
	c := NewCommitter(config, w, nil, slog.New(slog.NewTextHandler(io.Discard, nil)))
	t.Cleanup(c.Stop)
	return c
}

// submit hands in that many commits and returns their results, by id.
func submit(c *Committer, n int) func() map[string]store.Result {
	var mu sync.Mutex
	var all sync.WaitGroup
	results := map[string]store.Result{}
	for i := range n {
		all.Add(1)
		id := fmt.Sprint(i)
		if !c.Submit(&store.Commit{Fence: store.Fence{ID: id}}, func(r store.Result) {
			mu.Lock()
			results[id] = r
			mu.Unlock()
			all.Done()
		}) {
			all.Done()
		}
	}
	return func() map[string]store.Result { all.Wait(); return results }
}

func ok(group []*store.Commit) ([]store.Result, error) { return make([]store.Result, len(group)), nil }

func TestTheNextGroupIsWhatArrivedMeanwhile(t *testing.T) {
	t.Parallel()
	gate, entered := make(chan struct{}), make(chan int, 100)
	c := testCommitter(t, CommitterConfig{Writers: 1, Group: 8, Backlog: 100, Timeout: DefaultCommitterConfig().Timeout}, func(group []*store.Commit) ([]store.Result, error) {
		entered <- len(group)
		<-gate
		return ok(group)
	})
	first := submit(c, 1)
	require.Equal(t, 1, <-entered)
	rest := submit(c, 20)
	close(gate)
	require.Len(t, first(), 1)
	require.Len(t, rest(), 20)
	require.Equal(t, []int{8, 8, 4}, []int{<-entered, <-entered, <-entered})
}

// A group that waits behind one which found the database silent is not sent.
func TestNothingIsSentAfterSilence(t *testing.T) {
	t.Parallel()
	gate, entered := make(chan struct{}), make(chan int, 100)
	c := testCommitter(t, CommitterConfig{Writers: 1, Group: 8, Backlog: 100, Timeout: DefaultCommitterConfig().Timeout}, func(group []*store.Commit) ([]store.Result, error) {
		entered <- len(group)
		<-gate
		return nil, fmt.Errorf("%w: given up", store.ErrSilent)
	})
	first := submit(c, 1)
	require.Equal(t, 1, <-entered)
	rest := submit(c, 20)
	close(gate)
	require.ErrorIs(t, first()["0"].Err, store.ErrSilent)
	for _, r := range rest() {
		require.Equal(t, store.Result{Err: errUnheard}, r)
	}
	require.Empty(t, entered)
}

func TestABadMemberHarmsNobody(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	c := testCommitter(t, CommitterConfig{Writers: 1, Group: 100, Backlog: 100, Timeout: DefaultCommitterConfig().Timeout}, func(group []*store.Commit) ([]store.Result, error) {
		<-gate
		for _, commit := range group {
			if commit.ID == "3" {
				return nil, fmt.Errorf("%w: not to be written", store.ErrRolledBack)
			}
		}
		return ok(group)
	})
	results := submit(c, 6)
	close(gate)
	for id, r := range results() {
		if id == "3" {
			require.True(t, messages.HasCode(r.Err, messages.CodeInternal))
		} else {
			require.NoError(t, r.Err, id)
		}
	}
}

// gated is a committer whose first write waits for the gate, so that what is
// submitted meanwhile makes one group.
func gated(t *testing.T, w writerFunc) (c *Committer, open func()) {
	gate, entered := make(chan struct{}), make(chan struct{}, 1)
	first := true // the one writer's
	c = testCommitter(t, CommitterConfig{Writers: 1, Group: 100, Backlog: 100, Timeout: DefaultCommitterConfig().Timeout}, func(group []*store.Commit) ([]store.Result, error) {
		if first {
			first = false
			entered <- struct{}{}
			<-gate
			return ok(group)
		}
		return w(group)
	})
	require.True(t, c.Submit(&store.Commit{}, func(store.Result) {}))
	<-entered
	return c, func() { close(gate) }
}

// A member that is kept waiting is refused; its group waits for it once, and it
// alone once.
func TestABlockedMemberIsRefused(t *testing.T) {
	t.Parallel()
	waited := 0
	c, open := gated(t, func(group []*store.Commit) ([]store.Result, error) {
		for _, commit := range group {
			if commit.ID == "3" {
				waited++
				return nil, fmt.Errorf("%w: lock timeout", store.ErrBlocked)
			}
		}
		return ok(group)
	})
	results := submit(c, 6)
	open()
	for id, r := range results() {
		if id == "3" {
			require.True(t, messages.HasCode(r.Err, messages.CodeUnavailable), "%v", r.Err)
		} else {
			require.NoError(t, r.Err, id)
		}
	}
	require.Equal(t, 2, waited)
	require.True(t, messages.HasCode(c.write([]*store.Commit{{Fence: store.Fence{ID: "3"}}})[0].Err, messages.CodeUnavailable))
	require.Equal(t, 3, waited, "one that is alone from the start waits once")
}

// When many are kept waiting, the writer turns to others after a time.
func TestBlockedMembersHoldNoWriterForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := testCommitter(t, DefaultCommitterConfig(), func([]*store.Commit) ([]store.Result, error) {
			time.Sleep(500 * time.Millisecond)
			return nil, fmt.Errorf("%w: lock timeout", store.ErrBlocked)
		})
		began := time.Now()
		for _, r := range c.write(make([]*store.Commit, 256)) {
			require.True(t, messages.HasCode(r.Err, messages.CodeUnavailable), "%v", r.Err)
		}
		require.Less(t, time.Since(began), 7*time.Second)
	})
}

func TestARacedGroupIsWrittenOnceMore(t *testing.T) {
	t.Parallel()
	for races, sizes := range map[int][]int{1: {6, 6}, 2: {6, 6, 1, 1, 1, 1, 1, 1}} {
		var groups []int
		c, open := gated(t, func(group []*store.Commit) ([]store.Result, error) {
			if groups = append(groups, len(group)); len(groups) <= races {
				return nil, fmt.Errorf("%w: a duplicate", store.ErrRaced)
			}
			return ok(group)
		})
		results := submit(c, 6)
		open()
		for id, r := range results() {
			require.NoError(t, r.Err, id)
		}
		require.Equal(t, sizes, groups)
	}
}

// Of a group of which a part failed for certain, that part is written again.
func TestAPartThatFailedIsWrittenInPlace(t *testing.T) {
	t.Parallel()
	broken := errors.New("the connection broke")
	var groups [][]string
	c, open := gated(t, func(group []*store.Commit) ([]store.Result, error) {
		var ids []string
		for _, commit := range group {
			ids = append(ids, commit.ID)
		}
		groups = append(groups, ids)
		results, err := ok(group)
		if len(group) == 6 {
			results[1].Err = broken
			results[2].Err, results[4].Err = fmt.Errorf("%w: raced", store.ErrRaced), fmt.Errorf("%w: not sent: %w", store.ErrRolledBack, broken)
			results[5].Err = fmt.Errorf("%w: no route", store.ErrUnavailable)
		}
		return results, err
	})
	results := submit(c, 6)
	open()
	for id, r := range results() {
		switch id {
		case "1":
			require.ErrorIs(t, r.Err, broken)
		case "5":
			require.True(t, messages.HasCode(r.Err, messages.CodeUnavailable), "%v", r.Err)
		default:
			require.NoError(t, r.Err, id)
		}
	}
	require.Equal(t, [][]string{{"0", "1", "2", "3", "4", "5"}, {"2"}, {"4"}}, groups)
}

func TestUnknownOutcomesAreNotTriedAgain(t *testing.T) {
	t.Parallel()
	broken, calls := errors.New("the connection broke"), 0
	c := testCommitter(t, DefaultCommitterConfig(), func([]*store.Commit) ([]store.Result, error) { calls++; return nil, broken })
	require.ErrorIs(t, submit(c, 1)()["0"].Err, broken)
	require.Equal(t, 1, calls)

	away := testCommitter(t, DefaultCommitterConfig(), func([]*store.Commit) ([]store.Result, error) {
		return nil, fmt.Errorf("%w: no route", store.ErrUnavailable)
	})
	require.True(t, messages.HasCode(submit(away, 1)()["0"].Err, messages.CodeUnavailable))
}

// TestADatabaseAwayIsSaidOnce: why, when it goes, and that it is back.
func TestADatabaseAwayIsSaidOnce(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer // written by the one writer before its results are out
	away := true
	c := NewCommitter(CommitterConfig{Writers: 1, Group: 1, Backlog: 10, Timeout: DefaultCommitterConfig().Timeout}, writerFunc(func(group []*store.Commit) ([]store.Result, error) {
		if away {
			return nil, fmt.Errorf("%w: the disk is full", store.ErrUnavailable)
		}
		return ok(group)
	}), nil, slog.New(slog.NewTextHandler(&said, nil)))
	t.Cleanup(c.Stop)
	submit(c, 3)()
	require.Equal(t, 1, strings.Count(said.String(), "the disk is full"))
	away = false
	submit(c, 3)()
	require.Equal(t, 1, strings.Count(said.String(), "can be written again"))
}

func TestABacklogIsRefused(t *testing.T) {
	t.Parallel()
	gate, entered := make(chan struct{}), make(chan struct{}, 10)
	c := testCommitter(t, CommitterConfig{Writers: 1, Group: 1, Backlog: 2, Timeout: DefaultCommitterConfig().Timeout}, func(group []*store.Commit) ([]store.Result, error) {
		entered <- struct{}{}
		<-gate
		return ok(group)
	})
	first := submit(c, 1)
	<-entered
	rest := submit(c, 5)
	close(gate)
	require.Len(t, first(), 1)
	require.Len(t, rest(), 2)
}

func TestStopWritesWhatWasAccepted(t *testing.T) {
	t.Parallel()
	c := testCommitter(t, DefaultCommitterConfig(), ok)
	results := submit(c, 500)
	c.Stop()
	require.Len(t, results(), 500)
	require.False(t, c.Submit(&store.Commit{}, func(store.Result) {}), "stopped")
	c.Stop()
}
