package services_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"atelier/test/services"
)

func redisClient(t *testing.T, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	require.NoError(t, err)
	c := redis.NewClient(options)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestKeyspacesAreSeparate(t *testing.T) {
	t.Parallel()
	mine, theirs := services.Redis(t), services.Redis(t)
	one, two := redisClient(t, mine.URL()), redisClient(t, theirs.URL())
	ctx := t.Context()
	require.NoError(t, one.Set(ctx, mine.Prefix()+"k", "v", 0).Err())
	for name, err := range map[string]error{
		"another's key":     two.Get(ctx, mine.Prefix()+"k").Err(),
		"no prefix":         one.Set(ctx, "k", "v", 0).Err(),
		"another's channel": two.Publish(ctx, mine.Prefix()+"news", "x").Err(),
		"another's script":  two.Eval(ctx, "return redis.call('GET', KEYS[1])", []string{mine.Prefix() + "k"}).Err(),
		"everybody's keys":  two.FlushDB(ctx).Err(),
		"the server":        two.ConfigSet(ctx, "maxmemory", "1mb").Err(),
	} {
		require.ErrorContains(t, err, "NOPERM", name)
	}
	got, err := one.Eval(ctx, "return redis.call('GET', KEYS[1])", []string{mine.Prefix() + "k"}).Result()
	require.NoError(t, err)
	require.Equal(t, "v", got)
}

func TestKeysGoWithTheTest(t *testing.T) {
	t.Parallel()
	var k *services.Keyspace
	t.Run("a test", func(t *testing.T) {
		k = services.Redis(t)
		require.NoError(t, redisClient(t, k.URL()).Set(t.Context(), k.Prefix()+"k", "v", 0).Err())
	})
	require.ErrorContains(t, redisClient(t, k.URL()).Ping(t.Context()).Err(), "WRONGPASS")
}

func TestRedisCrashRestartFreeze(t *testing.T) {
	t.Parallel()
	s := services.OwnRedis(t)
	c := redisClient(t, s.URL())
	// With a flush a second, as by default, a write waits for one that is under way,
	// for two seconds where the disk is busy, and is confirmed meanwhile.
	require.NoError(t, c.ConfigSet(t.Context(), "appendfsync", "always").Err())
	for i := range 100 {
		require.NoError(t, c.RPush(t.Context(), "list", i).Err())
	}
	s.Crash()
	require.Error(t, c.Ping(t.Context()).Err())
	s.Restart(t)
	n, err := c.LLen(t.Context(), "list").Result()
	require.NoError(t, err)
	require.EqualValues(t, 100, n, "what was confirmed survives")

	s.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.Error(t, c.Ping(ctx).Err())
	s.Thaw()
	require.NoError(t, c.Ping(t.Context()).Err())
	s.Shutdown()
	require.Error(t, c.Ping(t.Context()).Err())
}

func TestRedisClusterFailsOver(t *testing.T) {
	t.Parallel()
	cluster := services.OwnRedisCluster(t)
	options, err := redis.ParseClusterURL(cluster.URL())
	require.NoError(t, err)
	options.ClusterStateReloadInterval = 500 * time.Millisecond
	c := redis.NewClusterClient(options)
	t.Cleanup(func() { _ = c.Close() })
	for _, key := range []string{"a", "b", "c", "d"} {
		require.NoError(t, c.Set(t.Context(), key, key, 0).Err())
	}
	master := cluster.Master(t, "a")
	direct := redisClient(t, master.URL()).Conn() // WAIT speaks of what its own connection has written
	require.NoError(t, direct.Set(t.Context(), "a", "a", 0).Err())
	copies, err := direct.Wait(t.Context(), 1, 10*time.Second).Result()
	require.NoError(t, err)
	require.EqualValues(t, 1, copies, "the replica has it")
	require.NoError(t, direct.Close())
	master.Crash()
	require.Eventually(t, func() bool {
		got, err := c.Get(t.Context(), "a").Result()
		return err == nil && got == "a"
	}, 30*time.Second, 50*time.Millisecond, "the replica takes over")
	require.NotSame(t, master, cluster.Master(t, "a"))
	master.Restart(t)
	require.Eventually(t, func() bool {
		role, err := redisClient(t, master.URL()).Do(t.Context(), "ROLE").Slice()
		return err == nil && role[0] == "slave"
	}, 30*time.Second, 50*time.Millisecond, "the old master comes back as a replica")
}
