package redis_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/messages"
	"atelier/persistence/persistencetest"
	"atelier/persistence/redis"
	"atelier/test/services"
)

func openCache(t testing.TB, url string) *redis.Cache {
	t.Helper()
	c, err := redis.OpenPool(url, 4)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return redis.NewCache(c)
}

// eager is a cache whose first answers may be slow: connections are made, and the
// machine has other things to do.
type eager struct{ to *redis.Cache }

func (e eager) Cached(ctx context.Context, names []string) (values []messages.Cached, err error) {
	for range 50 {
		if values, err = e.to.Cached(ctx, names); err == nil || ctx.Err() != nil {
			break
		}
	}
	return values, err
}

func (e eager) Cache(ctx context.Context, values []messages.Cached, keep time.Duration) (err error) {
	for range 50 {
		if err = e.to.Cache(ctx, values, keep); err == nil || ctx.Err() != nil {
			break
		}
	}
	return err
}

func TestCache(t *testing.T) {
	t.Parallel()
	t.Run("one", func(t *testing.T) {
		t.Parallel()
		persistencetest.Cache(t, eager{openCache(t, shared(t))})
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		persistencetest.Cache(t, eager{openCache(t, clustered(services.OwnRedisCluster(t)))})
	})
}

// TestACacheThatIsAwayIsAnError, and soon, not a wait.
func TestACacheThatIsAwayIsAnError(t *testing.T) {
	t.Parallel()
	server := services.OwnRedis(t)
	c := openCache(t, server.URL())
	value := messages.Cached{Name: "a", Stamp: "1", Body: []byte("x")}
	require.NoError(t, eager{c}.Cache(t.Context(), []messages.Cached{value}, time.Hour))
	server.Freeze()
	_, err := c.Cached(t.Context(), []string{"a"})
	require.Error(t, err)
	require.Error(t, c.Cache(t.Context(), []messages.Cached{value}, time.Hour))
	server.Thaw()
	values, err := eager{c}.Cached(t.Context(), []string{"a"})
	require.NoError(t, err)
	require.Equal(t, []messages.Cached{value}, values)
}

// TestACacheOutlivesItsMaster: once a replica has taken over, what was kept is found
// and kept again.
func TestACacheOutlivesItsMaster(t *testing.T) {
	t.Parallel()
	cluster := services.OwnRedisCluster(t)
	c := openCache(t, clustered(cluster))
	value := messages.Cached{Name: "project:a", Stamp: "1", Body: []byte("x")}
	require.NoError(t, eager{c}.Cache(t.Context(), []messages.Cached{value}, time.Hour))
	cluster.Master(t, "atelier:cache:"+value.Name).Crash()
	newer := messages.Cached{Name: "project:a", Stamp: "2", Body: []byte("y")}
	require.Eventually(t, func() bool { return c.Cache(t.Context(), []messages.Cached{newer}, time.Hour) == nil }, time.Minute, 50*time.Millisecond)
	values, err := eager{c}.Cached(t.Context(), []string{value.Name, "project:b", "project:c"})
	require.NoError(t, err)
	require.Equal(t, []messages.Cached{newer}, values)
}
