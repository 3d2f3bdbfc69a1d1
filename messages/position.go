package messages

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Position is how far the database's log of writes has come: what was committed
// before it was read is at or before it. The zero position is that of nothing.
type Position struct {
	Timeline uint32 // of the server: another one has taken over where it differs
	LSN      uint64 // bytes of the log
}

// Anywhere reports whether a replica may be asked for what must be seen from here.
func (p Position) Anywhere() bool { return p.Timeline != 0 }

// Covers reports whether all that is at or before the other position is at or
// before this one too. Positions of different timelines cannot be compared.
func (p Position) Covers(other Position) bool {
	return p.Timeline == other.Timeline && p.LSN >= other.LSN
}

// With is the position that covers both; the zero one where there is none.
func (p Position) With(other Position) Position {
	switch {
	case p.Covers(other):
		return p
	case other.Covers(p):
		return other
	}
	return Position{}
}

// String is how clients carry it about.
func (p Position) String() string { return fmt.Sprintf("%x-%x", p.Timeline, p.LSN) }

// ParsePosition reads what clients bring back: the zero position where it is none.
func ParsePosition(text string) Position {
	timeline, lsn, _ := strings.Cut(text, "-")
	t, err := strconv.ParseUint(timeline, 16, 32)
	if err != nil {
		return Position{}
	}
	l, err := strconv.ParseUint(lsn, 16, 64)
	if err != nil {
		return Position{}
	}
	return Position{uint32(t), l}
}

type positionKey struct{}

// SeenFrom says that queries made with the context may be answered by a replica that
// has come to the position. The zero one asks the primary, as does a context
// without any.
func SeenFrom(ctx context.Context, p Position) context.Context {
	return context.WithValue(ctx, positionKey{}, p)
}

// PositionFrom is what SeenFrom said.
func PositionFrom(ctx context.Context) Position {
	p, _ := ctx.Value(positionKey{}).(Position)
	return p
}
