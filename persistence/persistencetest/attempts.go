package persistencetest

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// freshKeys are keys of attempts that nobody has used.
func freshKeys(n int) (keys [][]byte) {
	for range n {
		id := uuid.New()
		keys = append(keys, id[:])
	}
	return keys
}

// attemptsTogether: the logs come in the order of the keys, whatever that is, and
// are changed together or left.
func attemptsTogether(t *testing.T, db *Database) {
	keys := freshKeys(3)
	slices.SortFunc(keys, func(a, b []byte) int { return bytes.Compare(b, a) })
	set := func(logs ...string) func([][]byte) [][]byte {
		return func([][]byte) (next [][]byte) {
			for _, log := range logs {
				next = append(next, []byte(log))
			}
			return next
		}
	}
	read := func(keys ...[]byte) (found []string) {
		require.NoError(t, db.Peer.UpdateAttempts(t.Context(), keys, later(1), func(logs [][]byte) [][]byte {
			found = nil
			for _, log := range logs {
				found = append(found, string(log))
			}
			return nil
		}))
		return found
	}
	require.Equal(t, []string{"", "", ""}, read(keys...))
	require.NoError(t, db.UpdateAttempts(t.Context(), keys, later(1), set("first", "second", "\x00\xff")))
	require.Equal(t, []string{"first", "second", "\x00\xff"}, read(keys...))
	require.Equal(t, []string{"\x00\xff", "first"}, read(keys[2], keys[0]))
	require.NoError(t, db.UpdateAttempts(t.Context(), keys[1:2], later(1), set("")))
	require.Equal(t, []string{"first", "", "\x00\xff"}, read(keys...))
}

// attemptsOfAll: parallel updates of keys that overlap, on all nodes, lose nothing
// and wait for each other in no circle.
func attemptsOfAll(t *testing.T, db *Database) {
	keys := freshKeys(3)
	var updating sync.WaitGroup
	for i := range 8 {
		node := []Engine{db.Engine, db.Peer}[i%2]
		mine := [][]byte{keys[i%3], keys[(i+1)%3]}
		updating.Go(func() {
			for range 10 {
				if err := node.UpdateAttempts(t.Context(), mine, later(1), func(logs [][]byte) [][]byte {
					return [][]byte{append(slices.Clone(logs[0]), 'x'), append(slices.Clone(logs[1]), 'x')}
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	updating.Wait()
	total := 0
	require.NoError(t, db.UpdateAttempts(t.Context(), keys, later(1), func(logs [][]byte) [][]byte {
		total = len(logs[0]) + len(logs[1]) + len(logs[2])
		return nil
	}))
	require.Equal(t, 160, total)
}

// attemptsSwept: what has expired goes, the rest stays.
func attemptsSwept(t *testing.T, db *Database) {
	keys := freshKeys(10)
	for i, key := range keys {
		require.NoError(t, db.UpdateAttempts(t.Context(), [][]byte{key}, later(i), func([][]byte) [][]byte { return [][]byte{[]byte(fmt.Sprint(i))} }))
	}
	_, err := db.Sweep(t.Context(), later(5), 1000)
	require.NoError(t, err)
	for i, key := range keys {
		require.NoError(t, db.UpdateAttempts(t.Context(), [][]byte{key}, later(i), func(logs [][]byte) [][]byte {
			require.Equal(t, i >= 5, len(logs[0]) > 0, "%d", i)
			return nil
		}))
	}
}
