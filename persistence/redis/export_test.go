package redis

import (
	"context"
	"strconv"

	"atelier/messages"
)

// TakeAt is Take at a time of the test's.
func (l *Limits) TakeAt(ctx context.Context, now int64, caller string, limits []messages.Limit) (messages.Verdict, error) {
	v, _, err := l.ask(ctx, "test", caller, limits, nil, true, strconv.FormatInt(now, 10))
	return v, err
}
