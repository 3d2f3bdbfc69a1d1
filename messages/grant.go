package messages

import "context"

// DueUs is when the grant of a change ends, in microseconds of database time; 0: never.
// What is not decided by then is late.
func (c *AppendUpdate) DueUs() int64 { return c.GetGrant().GetUntilUs() }

// Granting carries out a change by a grant that counts at that moment.
type Granting func(ctx context.Context, change func(*Grant) error) error
