package persistencetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// CacheStore is what the suite of shared caches calls.
type CacheStore interface {
	Cached(ctx context.Context, names []string) ([]messages.Cached, error)
	Cache(ctx context.Context, values []messages.Cached, keep time.Duration) error
}

// Cache holds a shared cache against what is asked of each: values come back as they
// were, the last of a name counts, and after their time they are gone.
func Cache(t *testing.T, s CacheStore) {
	ctx := t.Context()
	get := func(names ...string) map[string]messages.Cached {
		t.Helper()
		values, err := s.Cached(ctx, names)
		require.NoError(t, err)
		found := make(map[string]messages.Cached, len(values))
		for _, v := range values {
			found[v.Name] = v
		}
		require.Len(t, found, len(values), "a name twice")
		return found
	}
	put := func(keep time.Duration, values ...messages.Cached) {
		t.Helper()
		require.NoError(t, s.Cache(ctx, values, keep))
	}
	require.Empty(t, get("project:a", "project:b"))
	var all []messages.Cached
	var names []string
	for i := range 100 {
		all = append(all, messages.Cached{Name: fmt.Sprint("project:", i), Stamp: fmt.Sprint(i), Body: []byte{byte(i), 0, '\n', 255}})
		names = append(names, all[i].Name)
	}
	put(time.Hour, all...)
	found := get(append(names, "project:none")...)
	require.Len(t, found, len(all))
	for _, v := range all {
		require.Equal(t, v, found[v.Name])
	}
	newer := messages.Cached{Name: "project:1", Stamp: "2.x", Body: []byte{}}
	put(time.Hour, newer)
	require.Empty(t, get("project:1")["project:1"].Body)
	require.Equal(t, "2.x", get("project:1")["project:1"].Stamp)
	put(time.Hour, all[1])
	require.Equal(t, all[1], get("project:1")["project:1"], "whoever comes last")

	put(20*time.Millisecond, all[2])
	require.Eventually(t, func() bool { return len(get("project:2")) == 0 }, time.Minute, 10*time.Millisecond)
	require.Len(t, get("project:1", "project:2", "project:3"), 2)

	gone, cancel := context.WithCancel(ctx)
	cancel()
	_, err := s.Cached(gone, names)
	require.Error(t, err)
}
