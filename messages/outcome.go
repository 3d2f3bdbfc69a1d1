package messages

import "context"

// Outcome is what a caller learns about a request beside its reply.
type Outcome struct {
	Replayed bool // the reply is the stored one of an earlier request with the same key
}

type outcomeKey struct{}

// WithOutcome makes room for the outcome of the request made with the context.
func WithOutcome(ctx context.Context) (context.Context, *Outcome) {
	o := &Outcome{}
	return context.WithValue(ctx, outcomeKey{}, o), o
}

// OutcomeFrom is the outcome to fill in, or nil where nobody asked for it.
func OutcomeFrom(ctx context.Context) *Outcome {
	o, _ := ctx.Value(outcomeKey{}).(*Outcome)
	return o
}
