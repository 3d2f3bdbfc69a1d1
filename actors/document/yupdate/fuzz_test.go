package yupdate

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func isOurs(err error) bool { return errors.Is(err, ErrMalformed) || errors.Is(err, ErrLimit) }

// exercise holds what is made of two updates against what must be true of any.
func exercise(t *testing.T, u, other *Update) {
	t.Helper()
	written := u.Encode()
	again, err := Parse(written, DefaultLimits())
	require.NoError(t, err, "what is written is read again")
	require.Equal(t, written, again.Encode())
	merged := Merge(u, other)
	known := NewKnown(u)
	if news := known.News(other); news != nil {
		known.Add(news)
	}
	require.Nil(t, known.News(merged), "all is known")
	require.Equal(t, merged.Vector(), known.Vector())
	require.Equal(t, Merge(merged, other, u).Encode(), merged.Encode(), "what is there already changes nothing")
	compact := merged.Compact()
	require.Equal(t, merged.Vector(), compact.Vector())
	require.LessOrEqual(t, len(compact.Encode()), 16*len(merged.Encode())+64)
	_, err = Parse(compact.Encode(), DefaultLimits())
	require.NoError(t, err)
	require.Nil(t, NewKnown(compact).News(merged))
	if restored, err := Restore(merged, u, 1<<40); err == nil {
		_, err = Parse(restored.Encode(), DefaultLimits())
		require.NoError(t, err)
	}
	require.Nil(t, NewKnown(Merge(u, merged.Diff(u.Vector()))).News(merged), "a difference completes")
}

func seeds(f *testing.F) (updates [][]byte) {
	for _, h := range histories(f)[:60] {
		updates = append(updates, h.Updates...)
	}
	return updates
}

func FuzzParse(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		kept := bytes.Clone(b)
		u, err := Parse(b, DefaultLimits())
		if err != nil {
			require.True(t, isOurs(err), "%v", err)
			return
		}
		exercise(t, u, u)
		require.Equal(t, kept, b, "the input stays as it is")
	})
}

func FuzzMerge(f *testing.F) {
	updates := seeds(f)
	for i := range updates[1:] {
		f.Add(updates[i], updates[i+1])
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		one, err := Parse(a, DefaultLimits())
		if err != nil {
			return
		}
		two, err := Parse(b, DefaultLimits())
		if err != nil {
			return
		}
		exercise(t, one, two)
		require.Equal(t, Merge(one, two).Vector(), Merge(two, one).Vector())
	})
}

func FuzzVector(f *testing.F) {
	for _, h := range histories(f) {
		f.Add(h.Vector)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := ParseVector(b, DefaultLimits())
		if err != nil {
			require.True(t, isOurs(err), "%v", err)
			return
		}
		again, err := ParseVector(v.Encode(), DefaultLimits())
		require.NoError(t, err)
		require.Equal(t, v, again)
	})
}
