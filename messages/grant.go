package messages

import "context"

// Granting carries out a change by a grant that counts at that moment.
type Granting func(ctx context.Context, change func(*Grant) error) error
