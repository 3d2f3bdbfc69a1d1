package persistencetest

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// ticketsAreUsedOnce: of many who use a ticket at one time, on all nodes, one is the
// first.
func ticketsAreUsedOnce(t *testing.T, db *Database) {
	for range 8 {
		id := uuid.NewString()
		var using sync.WaitGroup
		var first atomic.Int32
		for i := range 16 {
			node := []Engine{db.Engine, db.Peer}[i%2]
			using.Go(func() {
				is, err := node.UseTicket(t.Context(), id, later(1))
				if err != nil {
					t.Error(err)
				}
				if is {
					first.Add(1)
				}
			})
		}
		using.Wait()
		require.EqualValues(t, 1, first.Load())
	}
}

// ticketsSwept: what has expired goes, the rest stays.
func ticketsSwept(t *testing.T, db *Database) {
	var ids []string
	for i := range 10 {
		ids = append(ids, uuid.NewString())
		first, err := db.UseTicket(t.Context(), ids[i], later(i))
		require.NoError(t, err)
		require.True(t, first)
	}
	_, err := db.Sweep(t.Context(), later(5), 1000)
	require.NoError(t, err)
	for i, id := range ids {
		gone, err := db.UseTicket(t.Context(), id, later(i))
		require.NoError(t, err)
		require.Equal(t, i < 5, gone, "%d", i)
	}
}
