package redis

import (
	"context"
	_ "embed"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"atelier/messages"
)

//go:embed limits.lua
var limitsSource string

const (
	together = 128  // requests of one round trip
	waiting  = 4096 // requests that wait for one
	trips    = 2    // round trips at one time
)

// Limits counts callers' requests for all nodes.
type Limits struct {
	client *Client
	script *goredis.Script
	asked  chan *ask
	closed <-chan struct{}
	cancel context.CancelFunc
	ended  sync.WaitGroup
}

// ask is one request that waits for its answer.
type ask struct {
	key      string
	args     []any
	command  *goredis.Cmd // of the worker that has it
	answered chan error   // buffered; command has the answer when nil comes
}

// NewLimits starts the round trips, which end with Close or with the context. The
// client is the caller's to close, after that.
func NewLimits(ctx context.Context, c *Client) *Limits {
	ctx, cancel := context.WithCancel(ctx)
	l := &Limits{client: c, script: goredis.NewScript(limitsSource), asked: make(chan *ask, waiting), closed: ctx.Done(), cancel: cancel}
	for range trips {
		l.ended.Go(func() { l.work(ctx) })
	}
	return l
}

// Close ends the round trips.
func (l *Limits) Close() {
	l.cancel()
	l.ended.Wait()
}

// ErrBusy is the error of requests for which there was no room.
var ErrBusy = errors.New("redis: too many requests wait")

// Take lets a request of the caller's through, or says when to come again, and at
// what time of Redis' clock that was, in milliseconds. Times that the caller's log does
// not have yet are added first. After an error it is not known whether the request
// was counted. It takes two round trips' patience at most.
func (l *Limits) Take(ctx context.Context, budget, caller string, limits []messages.Limit, more []int64) (v messages.Verdict, at int64, err error) {
	return l.ask(ctx, budget, caller, limits, more, true, "")
}

// Add adds times to the caller's log.
func (l *Limits) Add(ctx context.Context, budget, caller string, limits []messages.Limit, more []int64) error {
	_, _, err := l.ask(ctx, budget, caller, limits, more, false, "")
	return err
}

func (l *Limits) ask(ctx context.Context, budget, caller string, limits []messages.Limit, more []int64, take bool, now string) (v messages.Verdict, at int64, err error) {
	a := &ask{key: l.client.prefix + "limit:" + budget + ":" + caller, args: arguments(limits, more, take, now), answered: make(chan error, 1)}
	select {
	case l.asked <- a:
	default:
		return v, 0, ErrBusy
	}
	late := time.NewTimer(2 * l.client.patience) // a trip before, and its own
	defer late.Stop()
	select {
	case err = <-a.answered:
	case <-late.C:
		return v, 0, context.DeadlineExceeded
	case <-ctx.Done():
		return v, 0, ctx.Err()
	case <-l.closed:
		return v, 0, goredis.ErrClosed
	}
	if err != nil {
		return v, 0, err
	}
	return verdict(a.command, len(limits))
}

// arguments are those of the script.
func arguments(limits []messages.Limit, more []int64, take bool, now string) []any {
	args := make([]any, 0, 3+2*len(limits)+len(more))
	args = append(args, now, "0", len(limits))
	if take {
		args[1] = "1"
	}
	for _, limit := range limits {
		args = append(args, limit.Most, limit.Window.Milliseconds())
	}
	for _, t := range more {
		args = append(args, t)
	}
	return args
}

// verdict reads the script's answer.
func verdict(c *goredis.Cmd, limits int) (v messages.Verdict, at int64, err error) {
	n, err := c.Int64Slice()
	if err != nil {
		return v, 0, err
	}
	if len(n) != 2+2*limits {
		return v, 0, errors.New("redis: an answer of " + strconv.Itoa(len(n)) + " numbers")
	}
	v.Wait, v.Count = time.Duration(n[0])*time.Millisecond, limits
	for i := range limits {
		v.Left[i] = messages.Left{Requests: int(n[2+2*i]), More: time.Duration(n[3+2*i]) * time.Millisecond}
	}
	return v, n[1], nil
}

// work carries what waits, one round trip after the other.
func (l *Limits) work(ctx context.Context) {
	batch := make([]*ask, 0, together)
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-l.asked:
			batch = append(batch[:0], a)
		}
	more:
		for len(batch) < together {
			select {
			case a := <-l.asked:
				batch = append(batch, a)
			default:
				break more
			}
		}
		l.trip(ctx, batch)
	}
}

// trip asks for all of a batch. Servers that do not have the script, because they
// are new or were emptied, get its text.
func (l *Limits) trip(ctx context.Context, batch []*ask) {
	ctx, cancel := context.WithTimeout(ctx, l.client.patience)
	defer cancel()
	unknown := l.send(ctx, batch, func(p goredis.Pipeliner, a *ask) *goredis.Cmd {
		return p.EvalSha(ctx, l.script.Hash(), []string{a.key}, a.args...)
	})
	if len(unknown) == 0 {
		return
	}
	still := l.send(ctx, unknown, func(p goredis.Pipeliner, a *ask) *goredis.Cmd {
		return p.Eval(ctx, limitsSource, []string{a.key}, a.args...)
	})
	for _, a := range still {
		a.answered <- a.command.Err()
	}
}

// send answers all but those whose server has no script.
func (l *Limits) send(ctx context.Context, batch []*ask, command func(goredis.Pipeliner, *ask) *goredis.Cmd) (unknown []*ask) {
	p := l.client.Pipeline()
	for _, a := range batch {
		a.command = command(p, a)
	}
	_, _ = p.Exec(ctx) // each command has its own error
	for _, a := range batch {
		err := a.command.Err()
		if err != nil && strings.HasPrefix(err.Error(), "NOSCRIPT") {
			unknown = append(unknown, a)
			continue
		}
		a.answered <- err
	}
	return unknown
}

// Generation is a name that Redis was given when it was last found empty: another
// one than before means that all was forgotten. Of a cluster each master has one, so
// that one which has lost its data is noticed.
func (l *Limits) Generation(ctx context.Context, fresh string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, l.client.patience)
	defer cancel()
	p := l.client.Pipeline()
	var names []*goredis.StringCmd
	for _, tag := range l.tags() {
		key := l.client.prefix + "generation:{" + tag + "}"
		p.SetNX(ctx, key, fresh, 0)
		names = append(names, p.Get(ctx, key))
	}
	if _, err := p.Exec(ctx); err != nil {
		return "", err
	}
	var all strings.Builder
	for _, name := range names {
		all.WriteString(name.Val() + " ")
	}
	return all.String(), nil
}

// tags are hash tags, enough to have one on every master of a cluster as those
// usually are; one where there is no cluster.
func (l *Limits) tags() []string {
	if _, cluster := l.client.UniversalClient.(*goredis.ClusterClient); !cluster {
		return []string{"0"}
	}
	tags := make([]string, 16)
	for i := range tags {
		tags[i] = strconv.Itoa(i)
	}
	return tags
}
