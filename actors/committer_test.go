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
	c := NewCommitter(config, w, slog.New(slog.NewTextHandler(io.Discard, nil)))
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
	}), slog.New(slog.NewTextHandler(&said, nil)))
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
