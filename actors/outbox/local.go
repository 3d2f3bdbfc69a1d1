package outbox

import "context"

// Consumer takes an event within the process. It may get one twice, and tells them
// apart by their id. After an error it gets the event again.
type Consumer func(ctx context.Context, e Event) error

// Local delivers to consumers within the process, one after the other.
type Local struct{ consumers []Consumer }

// NewLocal makes a Publisher of consumers.
func NewLocal(consumers ...Consumer) *Local { return &Local{consumers} }

// Publish implements Publisher.
func (l *Local) Publish(ctx context.Context, _ int, batch []Message) ([]Outcome, error) {
	outcomes := make([]Outcome, len(batch))
	stopped := map[string]bool{}
	for i, m := range batch {
		if ctx.Err() != nil {
			return outcomes, ctx.Err()
		}
		if stopped[m.Stream] {
			continue
		}
		outcomes[i] = Taken
		for _, consume := range l.consumers {
			if consume(ctx, m.Event) != nil {
				outcomes[i], stopped[m.Stream] = Refused, true
				break
			}
		}
	}
	return outcomes, nil
}

// Close implements Publisher.
func (l *Local) Close() {}
