package redis

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Client is a connection to one Redis or to a cluster of them.
type Client struct {
	goredis.UniversalClient
	prefix      string        // of all keys
	patience    time.Duration // with one round trip
	connections int           // to each server
}

// defaultPatience is how long one round trip may take. Who waits for it is a request.
const defaultPatience = 50 * time.Millisecond

// defaultPrefix is what keys begin with, unless the URL has another.
const defaultPrefix = "atelier:"

// quiet is go-redis' own log: what it would say comes back as errors too, and is
// logged once.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func init() { goredis.SetLogger(quiet{}) }

// Open reads redis://user:password@host:port/0, rediss:// with TLS, and
// redis-cluster://user:password@a:6379,b:6379,c:6379. All take ?prefix=…, where others
// keep keys in the same Redis, and ?timeout=…, where it is far away: how long one
// round trip may take. It connects with the first command. Errors do not
// show the URL, which may hold a password.
func Open(text string) (*Client, error) { return OpenPool(text, connections) }

// OpenPool is Open for so many connections to each server.
func OpenPool(text string, connections int) (*Client, error) {
	c := &Client{prefix: defaultPrefix, patience: defaultPatience, connections: connections}
	scheme, rest, _ := strings.Cut(text, "://")
	rest, query, _ := strings.Cut(rest, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, errors.New("the query of the URL cannot be read")
	}
	if p := values.Get("prefix"); p != "" {
		c.prefix = p
		values.Del("prefix")
	}
	if text := values.Get("timeout"); text != "" {
		if c.patience, err = time.ParseDuration(text); err != nil || c.patience <= 0 {
			return nil, errors.New("the URL's timeout must be a time such as 200ms")
		}
		values.Del("timeout")
	}
	if len(values) > 0 {
		return nil, errors.New("the URL's query may have prefix and timeout alone")
	}
	switch scheme {
	case "redis", "rediss":
		err = c.single(scheme + "://" + rest)
	case "redis-cluster", "rediss-cluster":
		err = c.cluster(strings.TrimSuffix(scheme, "-cluster"), rest)
	default:
		err = errors.New("the URL must begin with redis:// or redis-cluster://")
	}
	return c, err
}

func (c *Client) single(text string) error {
	o, err := goredis.ParseURL(text)
	if err != nil {
		return errors.New("the URL must be such as redis://user:password@host:6379")
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.ContextTimeoutEnabled = c.patience, c.patience, c.patience, true
	o.PoolSize, o.MaxRetries, o.DialerRetries = c.connections, -1, 1
	c.UniversalClient = goredis.NewClient(o)
	return nil
}

// Patience is how long one round trip may take.
func (c *Client) Patience() time.Duration { return c.patience }

// connections of a pool where a round trip carries many requests.
const connections = 4

// failoverNotice is how soon a cluster's new masters are known.
const failoverNotice = time.Second

func (c *Client) cluster(scheme, rest string) error {
	credentials, hosts, both := strings.Cut(rest, "@")
	if !both {
		credentials, hosts = "", rest
	}
	var addresses []string
	for host := range strings.SplitSeq(strings.TrimSuffix(hosts, "/"), ",") {
		if _, _, err := net.SplitHostPort(host); err != nil {
			return errors.New("the URL must be such as redis-cluster://user:password@a:6379,b:6379,c:6379")
		}
		addresses = append(addresses, host)
	}
	if credentials != "" {
		credentials += "@"
	}
	o, err := goredis.ParseURL(scheme + "://" + credentials + addresses[0])
	if err != nil {
		return errors.New("the URL must be such as redis-cluster://user:password@a:6379,b:6379,c:6379")
	}
	c.UniversalClient = goredis.NewClusterClient(&goredis.ClusterOptions{
		Addrs: addresses, Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
		DialTimeout: c.patience, ReadTimeout: c.patience, WriteTimeout: c.patience, ContextTimeoutEnabled: true,
		PoolSize: c.connections, DialerRetries: 1, MaxRedirects: 2, MinRetryBackoff: -1, ClusterStateReloadInterval: failoverNotice,
	})
	return nil
}
