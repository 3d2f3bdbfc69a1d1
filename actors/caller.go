package actors

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"

	"atelier/actors/store"
	"atelier/messages"
)

// Caller carries one command to an entity, wherever it lives, and brings its
// answer: a reply, *messages.Replayed or *messages.Error. It tries once.
// A *messages.Error with CodeMoved as error means that the command was not
// executed, one with CodeOutcomeUnknown that it may have been.
type Caller interface {
	Call(ctx context.Context, kind store.Kind, id string, command messages.Command) (proto.Message, error)
}

const (
	defaultWait  = 10 * time.Second
	firstBackoff = 10 * time.Millisecond
	maxBackoff   = 320 * time.Millisecond
)

// ask sends a command until it is answered or the context's deadline (default
// 10 s) has passed. It is the only place that retries: what was not executed is
// asked again, what may have been is asked again under the same command id, unless
// the answer says when to come again.
func ask[R proto.Message](ctx context.Context, caller Caller, kind store.Kind, id string, c messages.Command) (R, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	maybe := false // an attempt may have been carried out
	backoff := firstBackoff
	for attempt := uint32(0); ; attempt++ {
		if attempt > 0 {
			c = proto.CloneOf(c) // sent messages are immutable
		}
		stamp(ctx, c.GetMeta(), maybe)
		answer, err := caller.Call(ctx, kind, id, c)
		switch answer := answer.(type) {
		case R:
			return answer, nil
		case *messages.Replayed:
			return recalled[R](ctx, answer, maybe)
		case *messages.Error:
			err = answer
		}
		switch messages.CodeOf(err) {
		case messages.CodeMoved:
		case messages.CodeOutcomeUnknown:
			if notNow(err) {
				return refused[R](err)
			}
			maybe = true
		case messages.CodeUnavailable, messages.CodeOverloaded, messages.CodeTimeout:
			return refused[R](outcome(err, maybe))
		default:
			return refused[R](err)
		}
		if !sleep(ctx, backoff/2+rand.N(backoff)) {
			return refused[R](outcome(messages.Refuse(messages.CodeTimeout, "the request was not answered in time"), maybe))
		}
		backoff = min(backoff*2, maxBackoff)
	}
}

func withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, defaultWait)
}

// stamp writes into Meta how long the asker still waits and whether an earlier
// attempt may have been carried out.
func stamp(ctx context.Context, m *messages.Meta, retried bool) {
	deadline, _ := ctx.Deadline()
	m.RemainingUs = time.Until(deadline).Microseconds()
	if retried {
		m.Attempt++
	}
}

// recalled reads a stored answer. The client learns that it is one, unless the
// earlier attempt was this very request's.
func recalled[R proto.Message](ctx context.Context, stored *messages.Replayed, own bool) (R, error) {
	var none R
	reply := none.ProtoReflect().New().Interface()
	if err := proto.Unmarshal(stored.GetBody(), reply); err != nil {
		return none, err
	}
	if o := messages.OutcomeFrom(ctx); o != nil && !own {
		o.Replayed = true
	}
	return reply.(R), nil
}

// notNow reports whether an error says that asking again at once is of no use.
func notNow(err error) bool {
	var refusal *messages.Error
	return errors.As(err, &refusal) && refusal.GetRetryAfterMs() > 0
}

// outcome is what a failed request tells: once an attempt may have been carried
// out, that cannot be taken back.
func outcome(err error, maybe bool) error {
	if maybe {
		return errUnknown
	}
	return err
}

func refused[R any](err error) (none R, _ error) { return none, err }

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
