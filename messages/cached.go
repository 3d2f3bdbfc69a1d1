package messages

import "strconv"

// Cached is a value that caches keep. It is good for its stamp alone.
type Cached struct {
	Name  string // user:…, project:…
	Stamp string // of the state that it was made from
	Body  []byte
}

// StampOf tells the states of something apart. The version alone would not: where
// commits are lost with a server, another change gets the number again.
func StampOf(version, updatedAt int64) string {
	return strconv.FormatInt(version, 36) + "." + strconv.FormatInt(updatedAt, 36)
}

// FoundProject is what a query knows of a project before anything is worked out.
type FoundProject struct {
	ID    string
	Stamp string
}

// GetId is the project's.
func (p FoundProject) GetId() string { return p.ID }

// FoundProjects are a page of projects, in its order.
type FoundProjects struct {
	Items []FoundProject
	Next  *PageKey
}
