package persistencetest

import (
	"atelier/actors/project"
	"atelier/actors/store"
)

// Registration is a commit that creates a user.
func Registration() *store.Commit {
	user := newAccount("n1")
	return user.fly(start, registered(user.fence.ID, address(user.fence.ID))).commit
}

// Creation is a commit that creates a user's project and remembers its command.
func Creation(owner string) *store.Commit {
	p := newProject("n1")
	return p.fly(start, created(p.fence.ID, owner, "A project")).keyed(owner, "m:"+p.fence.ID).commit
}

// Renaming is a commit of whoever claimed a project.
func Renaming(c store.Claimed[*project.State], name string) *store.Commit {
	p := newProject("n1")
	p.fence, p.state = c.Fence, c.State
	return p.fly(later(1), renamed(name)).commit
}

// RegistrationOf is a commit that creates a user with the address of another.
func RegistrationOf(other *store.Commit) *store.Commit {
	user := newAccount("n1")
	return user.fly(start, registered(user.fence.ID, address(other.ID))).commit
}

// Group is commits as a Writer takes them.
func Group(commits ...*store.Commit) []*store.Commit { return commits }
