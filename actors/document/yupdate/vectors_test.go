package yupdate

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// frozen is a history made up by Yjs, with its own state vector and digests of
// results that it found right (test/yjs writes them).
type frozen struct {
	Updates [][]byte `json:"updates"`
	Vector  []byte   `json:"vector"`
	Late    []byte   `json:"late"`
	Merged  []byte   `json:"merged"`
	Compact []byte   `json:"compact"`
	Diff    []byte   `json:"diff"`
	Version []byte   `json:"version"`
	Restore []byte   `json:"restore"`
}

func histories(t testing.TB) (all []frozen) {
	t.Helper()
	file, err := os.Open("testdata/vectors.jsonl.gz")
	require.NoError(t, err)
	defer file.Close()
	z, err := gzip.NewReader(file)
	require.NoError(t, err)
	for lines := json.NewDecoder(z); lines.More(); {
		var h frozen
		require.NoError(t, lines.Decode(&h))
		all = append(all, h)
	}
	return all
}

func parse(t testing.TB, b []byte) *Update {
	t.Helper()
	u, err := Parse(b, DefaultLimits())
	require.NoError(t, err)
	return u
}

func digest(u *Update) []byte {
	sum := sha256.Sum256(u.Encode())
	return sum[:8]
}

func TestFrozenVectors(t *testing.T) {
	t.Parallel()
	all := histories(t)
	require.GreaterOrEqual(t, len(all), 300)
	for i, h := range all {
		var updates []*Update
		for _, b := range h.Updates {
			u := parse(t, b)
			require.True(t, bytes.Equal(u.Encode(), parse(t, u.Encode()).Encode()), "history %d: what is written is read again", i)
			updates = append(updates, u)
		}
		want, err := ParseVector(h.Vector, DefaultLimits())
		require.NoError(t, err)
		late, err := ParseVector(h.Late, DefaultLimits())
		require.NoError(t, err)
		merged := Merge(updates...)
		require.Equal(t, want, merged.Vector(), "history %d", i)
		require.Equal(t, h.Merged, digest(merged), "history %d: merged", i)
		require.Equal(t, h.Compact, digest(merged.Compact()), "history %d: compact", i)
		require.Equal(t, h.Diff, digest(merged.Diff(late)), "history %d: diff", i)
		restore, err := Restore(merged.Compact(), parse(t, h.Version).Compact(), 4711)
		require.NoError(t, err)
		require.Equal(t, h.Restore, digest(restore), "history %d: restored", i)
		require.Equal(t, digest(merged.Compact()), digest(merged.Compact().Compact()), "history %d: nothing is left to compact", i)
	}
}
