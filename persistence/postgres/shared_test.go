package postgres

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is asked for during a query is asked for together by the next, which
// begins only after all of it was asked.
func TestLookupsShareTheNextQuery(t *testing.T) {
	t.Parallel()
	began, goOn := make(chan []int), make(chan struct{})
	s := &shared[int, int]{load: func(_ context.Context, keys []int) (map[int]int, error) {
		began <- keys
		<-goOn
		found := map[int]int{}
		for _, key := range keys {
			found[key] = -key
		}
		return found, nil
	}}
	var all sync.WaitGroup
	ask := func(key int) {
		all.Go(func() {
			found, err := s.get(t.Context(), []int{key})
			assert.NoError(t, err)
			assert.Equal(t, -key, found[key])
		})
	}
	ask(1)
	require.Equal(t, []int{1}, <-began)
	for key := 2; key < 10; key++ {
		ask(key)
	}
	for joined := 0; joined < 8; { // all have joined the next query, none the one under way
		s.mu.Lock()
		if s.next != nil {
			joined = len(s.next.keys)
		}
		s.mu.Unlock()
	}
	goOn <- struct{}{}
	require.ElementsMatch(t, []int{2, 3, 4, 5, 6, 7, 8, 9}, <-began)
	goOn <- struct{}{}
	all.Wait()
}

// A query outlives the request that began it, which waits no longer than it may;
// its failure is everyone's.
func TestASharedQueryOutlivesItsFirstRequest(t *testing.T) {
	t.Parallel()
	failure := errors.New("failed")
	began, goOn := make(chan struct{}, 2), make(chan error)
	s := &shared[int, int]{load: func(ctx context.Context, _ []int) (map[int]int, error) {
		began <- struct{}{}
		return nil, errors.Join(<-goOn, ctx.Err())
	}}
	get := func(ctx context.Context) <-chan error {
		ended := make(chan error, 1)
		go func() {
			_, err := s.get(ctx, []int{1})
			ended <- err
		}()
		return ended
	}
	ctx, cancel := context.WithCancel(t.Context())
	first := get(ctx)
	<-began
	second := get(ctx) // waits for its turn
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.next != nil
	}, 5*time.Second, time.Millisecond)
	third := get(t.Context())
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.next.keys) == 2
	}, 5*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-first, context.Canceled)
	require.ErrorIs(t, <-second, context.Canceled)
	goOn <- nil
	<-began
	goOn <- failure
	err := <-third
	require.ErrorIs(t, err, failure)
	require.NotErrorIs(t, err, context.Canceled)
}
