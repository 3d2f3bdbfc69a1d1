package services

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Keyspace is a test's part of the shared Redis: a user who may do all that a
// client does, with keys and channels that begin with the prefix. Commands for
// the whole server (FLUSHALL, CONFIG, …) need a server of one's own.
type Keyspace struct{ url, prefix string }

// URL is where it is: redis://user:password@….
func (k *Keyspace) URL() string { return k.url }

// Prefix is what all keys must begin with.
func (k *Keyspace) Prefix() string { return k.prefix }

// Redis is a fresh key space on the shared server; its keys go with the test.
func Redis(t testing.TB) *Keyspace {
	t.Helper()
	url := take(t, "redis")
	options, err := redis.ParseURL(url)
	must(t, err)
	return &Keyspace{url, options.Username + ":"}
}

// RedisServer is a Redis that appends every write to a file before it answers,
// so that a crash loses nothing confirmed.
type RedisServer struct{ *server }

// OwnRedis is a server of the test's own, stopped with it.
func OwnRedis(t testing.TB) *RedisServer {
	t.Helper()
	s, err := StartRedis()
	must(t, err)
	own(t, s.server)
	return s
}

// StartRedis starts a server with an empty database; Stop ends it and removes
// its data.
func StartRedis() (*RedisServer, error) {
	s, err := newRedis()
	if err != nil {
		return nil, err
	}
	return s, s.start()
}

func newRedis(more ...string) (*RedisServer, error) {
	if err := install("redis-server"); err != nil {
		return nil, err
	}
	s, err := newServer("redis", syscall.SIGTERM)
	if err != nil {
		return nil, err
	}
	r := &RedisServer{s}
	s.boot = func() error {
		if s.p, err = spawn(s.folder.path, os.Environ(), "redis-server", append([]string{"--port", fmt.Sprint(s.port), "--bind", "127.0.0.1",
			"--dir", s.folder.path, "--save", "", "--appendonly", "yes", "--requirepass", password, "--masterauth", password}, more...)...); err != nil {
			return err
		}
		return s.p.await("Redis", func() error {
			return r.do(func(c *redis.Client, ctx context.Context) error { return c.Ping(ctx).Err() })
		})
	}
	return r, nil
}

// URL is where it is: redis://….
func (s *RedisServer) URL() string {
	return fmt.Sprintf("redis://default:%s@%s", password, s.address())
}

func (s *RedisServer) address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// do works with the server as its administrator.
func (s *RedisServer) do(f func(c *redis.Client, ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := redis.NewClient(&redis.Options{Addr: s.address(), Password: password, MaxRetries: -1})
	defer c.Close()
	return f(c, ctx)
}

// take makes a user who sees only keys and channels that begin with his name,
// and drop removes both.
func (s *RedisServer) take(name string) (string, error) {
	return fmt.Sprintf("redis://%s:%s@%s", name, password, s.address()), s.do(func(c *redis.Client, ctx context.Context) error {
		return c.ACLSetUser(ctx, name, "on", ">"+password, "~"+name+":*", "&"+name+":*", "+@all", "-@admin", "-flushall", "-flushdb", "-swapdb").Err()
	})
}

func (s *RedisServer) drop(name string) error {
	return s.do(func(c *redis.Client, ctx context.Context) error {
		errs := []error{c.ACLDelUser(ctx, name).Err()}
		keys := c.Scan(ctx, 0, name+":*", 1000).Iterator()
		for keys.Next(ctx) {
			errs = append(errs, c.Unlink(ctx, keys.Val()).Err())
		}
		return errors.Join(append(errs, keys.Err())...)
	})
}
