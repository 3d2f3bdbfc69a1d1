package postgres_test

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/cluster"
	"atelier/persistence/postgres"
)

// member is a node of a cluster of two, which reaches the other one while told so.
type member struct {
	*cluster.Lease
	db     *postgres.DB
	reach  atomic.Bool
	losses atomic.Int32
}

func joined(t *testing.T, url, name, other string) *member {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url, Instance: name})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	m := &member{db: db}
	m.reach.Store(true)
	config := cluster.DefaultLeaseConfig(name)
	config.Cluster, config.Every = "c", 100*time.Millisecond
	config.View = func() (v cluster.View) {
		v.Nodes = []cluster.Node{{Name: name}}
		if m.reach.Load() {
			v.Nodes = append(v.Nodes, cluster.Node{Name: other})
		}
		return v
	}
	m.Lease = cluster.NewLease(config, db.Leases(), func() { m.losses.Add(1) }, slog.New(slog.NewTextHandler(io.Discard, nil)))
	require.NoError(t, m.Start(t.Context()))
	t.Cleanup(func() { _ = m.Stop(context.Background()) })
	return m
}

func (m *member) trusts() bool { _, ok := m.Trust(); return ok }

// Two nodes that lose sight of each other: the younger gives up what it holds,
// and the older goes on. When only the older has lost sight, it strikes.
func TestTwoNodesThatPart(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	older := joined(t, url, "older", "younger")
	younger := joined(t, url, "younger", "older")
	soon := func(what func() bool) {
		t.Helper()
		require.Eventually(t, what, 10*time.Second, 10*time.Millisecond)
	}
	soon(func() bool { return older.trusts() && younger.trusts() })

	older.reach.Store(false)
	younger.reach.Store(false)
	soon(func() bool { return !younger.trusts() })
	require.True(t, older.trusts())
	time.Sleep(2500 * time.Millisecond) // longer than anybody is spared
	require.Zero(t, younger.losses.Load(), "it holds nothing that others are refused, and is not struck")
	require.True(t, older.trusts())

	older.reach.Store(true)
	younger.reach.Store(true)
	soon(younger.trusts)
	older.reach.Store(false)
	soon(func() bool { return younger.losses.Load() > 0 })
	require.False(t, younger.trusts())
	require.True(t, older.trusts())
	require.Zero(t, older.losses.Load())
}
