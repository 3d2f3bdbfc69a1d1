package document

import "atelier/messages"

// Change is what a flight does to a document's rows.
type Change struct {
	Position  int64    // after the flight
	UpdatedAt int64    // microseconds since the epoch
	Added     []Update // in their order
	Fold      *Update  // content up to a position; nil: nothing was folded
}

// Stream of a document is none: what is logged of it is in the project's.
func Stream(*State) string { return "" }

// Changes folds the events of a flight into row changes.
func Changes(after *State, events []messages.Event) any {
	c := &Change{Position: after.Position, UpdatedAt: messages.Micros(after.UpdatedAt)}
	for _, e := range events {
		switch e := e.(type) {
		case *messages.DocumentUpdated:
			c.Added = append(c.Added, Update{Data: e.GetUpdate()})
		case *messages.DocumentFolded:
			c.Fold = &Update{Position: e.GetPosition(), Data: e.GetContent()}
		}
	}
	for i := range c.Added { // each has raised the position by one
		c.Added[i].Position = after.Position - int64(len(c.Added)-1-i)
	}
	return c
}
