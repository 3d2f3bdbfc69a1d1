package messages

// Cut leaves of a list's items those of one page. Where there are more, which whoever
// read one item too many knows, the key of the last tells where the next page begins.
func Cut[T any](items []T, limit int, key func(last T) *PageKey) (page []T, next *PageKey) {
	if limit < 1 || len(items) <= limit {
		return items, nil
	}
	page = items[:limit]
	return page, key(page[limit-1])
}

// ByCreation is the key in lists that begin with what was made last.
func ByCreation[T interface {
	GetId() string
	GetCreatedAt() int64
}](last T) *PageKey {
	return &PageKey{Id: last.GetId(), At: last.GetCreatedAt()}
}

// ByAddition is the key in lists that begin with who came last.
func ByAddition(last *Collaborator) *PageKey {
	return &PageKey{Id: last.GetUserId(), At: last.GetAddedAt()}
}

// ByTime is the key in the audit.
func ByTime(last AuditRow) *PageKey { return &PageKey{Id: last.ID, At: Micros(last.At)} }
