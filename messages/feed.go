package messages

// FeedQuery asks for events of several streams, in the one order of all.
type FeedQuery struct {
	UserID string // what this user may see; empty: everything
	After  int64  // position: those behind it
	Limit  int
}

// FeedPage is some events of the feed.
type FeedPage struct {
	Items []*EventRecord
	Last  int64 // position of the last one; that of the query where there is none
}
