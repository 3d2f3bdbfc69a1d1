package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/messages"
	"atelier/persistence/persistencetest"
)

func TestCache(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	db := connect(t, url)
	persistencetest.Cache(t, db)

	require.NoError(t, db.Cache(t.Context(), []messages.Cached{{Name: "a", Stamp: "1"}, {Name: "b", Stamp: "1"}, {Name: "c", Stamp: "1"}}, -time.Second))
	total := 0
	for removed := 2; removed == 2; total += removed {
		var err error
		removed, err = db.SweepCache(t.Context(), 2)
		require.NoError(t, err)
	}
	require.Equal(t, 4, total, "and one that expired before")
	kept, err := db.Cached(t.Context(), []string{"project:1", "a"})
	require.NoError(t, err)
	require.Len(t, kept, 1)
}
