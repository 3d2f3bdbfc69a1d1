package redis

import (
	"bytes"
	"context"
	"errors"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"atelier/messages"
)

// Cache keeps values for all nodes. Each has a key of its own and is written and read
// by itself, so that it does not matter which server of a cluster has it.
type Cache struct{ client *Client }

// NewCache makes one; the client is the caller's to close.
func NewCache(c *Client) *Cache { return &Cache{c} }

func (c *Cache) key(name string) string { return c.client.prefix + "cache:" + name }

// Cached are the values that are kept under these names, of whatever stamp. What is no
// value of ours is none.
func (c *Cache) Cached(ctx context.Context, names []string) (values []messages.Cached, err error) {
	p := c.client.Pipeline()
	all := make([]*goredis.StringCmd, len(names))
	for i, name := range names {
		all[i] = p.Get(ctx, c.key(name))
	}
	_, _ = p.Exec(ctx) // each command has its own error
	for i, got := range all {
		text, failed := got.Bytes()
		if failed != nil {
			if !errors.Is(failed, goredis.Nil) {
				err = failed
			}
			continue
		}
		if stamp, body, ok := bytes.Cut(text, newline); ok {
			values = append(values, messages.Cached{Name: names[i], Stamp: string(stamp), Body: body})
		}
	}
	return values, err
}

// newline parts stamp and body.
var newline = []byte{'\n'}

// Cache keeps values for some time, each in the place of the one before.
func (c *Cache) Cache(ctx context.Context, values []messages.Cached, keep time.Duration) error {
	p := c.client.Pipeline()
	for _, v := range values {
		p.Set(ctx, c.key(v.Name), append(append([]byte(v.Stamp), newline...), v.Body...), keep)
	}
	_, err := p.Exec(ctx)
	return err
}
