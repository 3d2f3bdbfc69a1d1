package http

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"atelier/identity"
	"atelier/messages"
)

// Budgets of requests.
const (
	BudgetAddress = "address" // of who is not signed in
	BudgetUser    = "user"
	BudgetSockets = "sockets" // that one may have open at one time
)

// Limits are the budgets of callers.
type Limits struct {
	Addresses budget
	Users     budget
}

// budget is what each caller of a kind may use.
type budget interface {
	// Limits are what is told of it.
	Limits() []messages.Limit
	// Take lets a request through, or says when to come again. It does not fail
	// and does not take long: where others must be asked who do not answer, it
	// decides alone.
	Take(ctx context.Context, caller string) messages.Verdict
}

// limited is a budget with what is told of it in every reply.
type limited struct {
	budget
	kind   string
	policy string
}

func newLimited(kind string, b budget) limited {
	return limited{b, kind, string(policy(b.Limits()))}
}

const (
	headerPolicy = "RateLimit-Policy" // draft-ietf-httpapi-ratelimit-headers
	headerLimit  = "RateLimit"
)

// charge takes a request from its caller's budget: the user's, or that of the
// network where it comes from.
func (s *Server) charge(ctx context.Context, f *fiber.Ctx, user string) error {
	if s.deps.Limits == nil {
		return nil
	}
	b, caller := &s.ofUsers, user
	if user == "" {
		b, caller = &s.ofAddresses, identity.Network(s.address(f).String())
	}
	v := b.Take(ctx, caller)
	header := &f.Response().Header
	header.Set(headerPolicy, b.policy)
	header.SetBytesV(headerLimit, standing(b.Limits(), v))
	return s.overdrawn(b, v)
}

// overdrawn refuses what a budget does not let through.
func (s *Server) overdrawn(b *limited, v messages.Verdict) error {
	if v.Wait == 0 {
		return nil
	}
	if s.deps.Meter != nil {
		s.deps.Meter.Limited(b.kind)
	}
	refused := messages.Refuse(messages.CodeRateLimited, "at most %s: come again in %d s", sentence(b.Limits()), seconds(v.Wait))
	refused.RetryAfterMs = v.Wait.Milliseconds()
	return refused
}

// policy says what the limits are: "minute";q=100;w=60, "hour";q=1000;w=3600.
func policy(limits []messages.Limit) (b []byte) {
	for i, l := range limits {
		b = named(b, i, l.Name)
		b = strconv.AppendInt(append(b, ";q="...), int64(l.Most), 10)
		b = strconv.AppendInt(append(b, ";w="...), seconds(l.Window), 10)
	}
	return b
}

// standing says what is left of them, and in how many seconds there will be more.
func standing(limits []messages.Limit, v messages.Verdict) (b []byte) {
	for i, l := range limits {
		b = named(b, i, l.Name)
		b = strconv.AppendInt(append(b, ";r="...), int64(v.Left[i].Requests), 10)
		if v.Left[i].More > 0 {
			b = strconv.AppendInt(append(b, ";t="...), seconds(v.Left[i].More), 10)
		}
	}
	return b
}

func named(b []byte, i int, name string) []byte {
	if i > 0 {
		b = append(b, ", "...)
	}
	return append(append(append(b, '"'), name...), '"')
}

func sentence(limits []messages.Limit) (text string) {
	for i, l := range limits {
		if i > 0 {
			text += " and "
		}
		text += fmt.Sprintf("%d requests in %d s", l.Most, seconds(l.Window))
	}
	return text
}

// seconds are whole ones: who waits that long has waited long enough.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// chargeUnrouted charges for requests that no route takes.
func (s *Server) chargeUnrouted(f *fiber.Ctx, err error) error {
	var routed *fiber.Error
	if !errors.As(err, &routed) || routed.Code >= fiber.StatusInternalServerError {
		return err
	}
	if refused := s.charge(unbound(), f, ""); refused != nil {
		return refused
	}
	return err
}
