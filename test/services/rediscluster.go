package services

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// RedisCluster is three masters with a replica each.
type RedisCluster struct{ nodes []*RedisServer }

// OwnRedisCluster is a cluster of the test's own, stopped with it. Its replicas
// are in step and take over about 3 s after their master is gone; a client finds
// that out at its next ClusterStateReloadInterval, which is a minute unless set.
func OwnRedisCluster(t testing.TB) *RedisCluster {
	t.Helper()
	c := &RedisCluster{}
	create := []string{"-a", password, "--no-auth-warning", "--cluster", "create"}
	for range 6 {
		bus, err := freePort()
		must(t, err)
		n, err := newRedis("--cluster-enabled", "yes", "--cluster-port", fmt.Sprint(bus), "--cluster-node-timeout", "2000", "--repl-diskless-sync-delay", "0")
		must(t, err)
		own(t, n.server)
		must(t, n.boot())
		c.nodes, create = append(c.nodes, n), append(create, n.address())
	}
	first := c.nodes[0]
	must(t, run(first.folder.path, os.Environ(), "redis-cli", append(create, "--cluster-replicas", "1", "--cluster-yes")...))
	for _, n := range c.nodes {
		must(t, n.p.await("the Redis cluster", n.joined))
	}
	return c
}

// joined says whether the node sees the cluster whole and, if it is a replica,
// has all that its master has.
func (s *RedisServer) joined() error {
	return s.do(func(c *redis.Client, ctx context.Context) error {
		cluster, err := c.ClusterInfo(ctx).Result()
		if err != nil || !strings.Contains(cluster, "cluster_state:ok") {
			return errors.Join(err, errors.New(cluster))
		}
		replication, err := c.Info(ctx, "replication").Result()
		if err != nil || !strings.Contains(replication, "master_link_status:up") && !strings.Contains(replication, "connected_slaves:1") {
			return errors.Join(err, errors.New(replication))
		}
		return nil
	})
}

// URL names all nodes, in the form of redis.ParseClusterURL.
func (c *RedisCluster) URL() string {
	var others url.Values = map[string][]string{}
	for _, n := range c.nodes[1:] {
		others.Add("addr", n.address())
	}
	return c.nodes[0].URL() + "?" + others.Encode()
}

// Nodes are all six servers, each to be crashed, frozen and restarted.
func (c *RedisCluster) Nodes() []*RedisServer { return c.nodes }

// Master is the node that answers for a key at the moment.
func (c *RedisCluster) Master(t testing.TB, key string) *RedisServer {
	t.Helper()
	options, err := redis.ParseClusterURL(c.URL())
	must(t, err)
	client := redis.NewClusterClient(options)
	defer client.Close()
	master, err := client.MasterForKey(t.Context(), key)
	must(t, err)
	for _, n := range c.nodes {
		if n.address() == master.Options().Addr {
			return n
		}
	}
	t.Fatalf("services: no node has the address %s", master.Options().Addr)
	return nil
}
