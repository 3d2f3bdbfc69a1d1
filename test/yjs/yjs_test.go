package yjs

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/actors/document/yupdate"
)

var freeze = flag.Bool("freeze", false, "write the vectors that the package is tested with where there is no Node")

// history is what Node tells of one. Vector is the state vector of all updates
// together, Late that of a document which has seen some of them.
type history struct {
	Updates [][]byte `json:"updates"`
	Vector  []byte   `json:"vector"`
	Late    []byte   `json:"late"`
	Version []byte   `json:"version"` // all of that document
	Error   string   `json:"error,omitempty"`
}

// frozen is a history with the results that Node found right.
type frozen struct {
	history
	Merged  []byte `json:"merged"` // a digest, as are the following
	Compact []byte `json:"compact"`
	Diff    []byte `json:"diff"`
	Restore []byte `json:"restore"`
}

// results are what is computed from a history.
type results struct {
	merged, compact, diff, restore []byte
	news                           [][]byte
	vector                         []byte
}

func compute(t *testing.T, h history) results {
	t.Helper()
	updates := make([]*yupdate.Update, len(h.Updates))
	for i, b := range h.Updates {
		u, err := yupdate.Parse(b, yupdate.DefaultLimits())
		require.NoError(t, err, "update %d: %x", i, b)
		updates[i] = u
	}
	late, err := yupdate.ParseVector(h.Late, yupdate.DefaultLimits())
	require.NoError(t, err)
	merged := yupdate.Merge(updates...)
	r := results{news: [][]byte{},
		merged: merged.Encode(), compact: merged.Compact().Encode(), diff: merged.Diff(late).Encode(), vector: merged.Vector().Encode(),
	}
	version, err := yupdate.Parse(h.Version, yupdate.DefaultLimits())
	require.NoError(t, err)
	restore, err := yupdate.Restore(merged.Compact(), version.Compact(), 4711)
	require.NoError(t, err)
	r.restore = restore.Encode()
	known := yupdate.NewKnown(&yupdate.Update{})
	for _, u := range updates {
		if news := known.News(u); news != nil {
			known.Add(news)
			r.news = append(r.news, news.Encode())
			require.Nil(t, known.News(u), "what was noted is known")
		}
	}
	require.Equal(t, merged.Vector(), known.Vector())
	return r
}

// nothingIsLeft to restore of what was restored.
func nothingIsLeft(t *testing.T, seed int, h history, r results) {
	t.Helper()
	var parsed [3]*yupdate.Update
	for i, b := range [][]byte{r.merged, r.restore, h.Version} {
		u, err := yupdate.Parse(b, yupdate.DefaultLimits())
		require.NoError(t, err)
		parsed[i] = u
	}
	again, err := yupdate.Restore(yupdate.Merge(parsed[0], parsed[1]), parsed[2], 4712)
	require.NoError(t, err)
	require.True(t, again.Empty(), "seed %d: %x", seed, again.Encode())
}

// sameVector compares state vectors, whose order means nothing.
func sameVector(t *testing.T, want, got []byte) {
	t.Helper()
	a, err := yupdate.ParseVector(want, yupdate.DefaultLimits())
	require.NoError(t, err)
	b, err := yupdate.ParseVector(got, yupdate.DefaultLimits())
	require.NoError(t, err)
	require.Equal(t, a, b)
}

// Histories of up to four peers, with updates that are doubled, merged, out of
// order and missing: what is computed from them has the effect that they have.
func TestDocumentsComeOutAsInYjs(t *testing.T) {
	t.Parallel()
	const histories, vectors = 1500, 320
	n := startNode(t, "driver.mjs")
	var kept []frozen
	for seed := 1; seed <= histories; seed++ {
		var h history
		n.ask(t, map[string]any{"do": "history", "seed": seed, "small": seed <= vectors}, &h)
		require.Empty(t, h.Error, "seed %d", seed)
		r := compute(t, h)
		var verdict struct{ Error string }
		n.ask(t, map[string]any{"do": "check", "seed": seed, "merged": r.merged, "compact": r.compact, "diff": r.diff, "news": r.news, "restore": r.restore}, &verdict)
		require.Empty(t, verdict.Error, "seed %d", seed)
		sameVector(t, h.Vector, r.vector)
		if seed%3 != 0 { // those have characters that may have been cut in two
			nothingIsLeft(t, seed, h, r)
		}
		if seed <= vectors {
			kept = append(kept, frozen{h, digest(r.merged), digest(r.compact), digest(r.diff), digest(r.restore)})
		}
	}
	if *freeze {
		write(t, kept)
	}
}

func digest(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:8]
}

func write(t *testing.T, kept []frozen) {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	require.NoError(t, err)
	lines := json.NewEncoder(z)
	for _, f := range kept {
		require.NoError(t, lines.Encode(f))
	}
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile("../../actors/document/yupdate/testdata/vectors.jsonl.gz", b.Bytes(), 0o644))
}
