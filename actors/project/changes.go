package project

import (
	"slices"

	"atelier/messages"
)

// Change is what a flight does to a project's rows. Engines render it; they do
// not know events.
type Change struct {
	Created    bool
	Deleted    bool
	Row        Row
	Put        []Member // inserted or overwritten
	Overwrites bool     // some of Put were in before
	Removed    []messages.UserID

	Documents    []Document // inserted or overwritten
	Undocumented []messages.DocumentID
	Versions     []Version // inserted
}

// Row is the projects row after the flight.
type Row struct {
	ID          messages.ProjectID
	Name        string
	Description string
	Owner       messages.UserID
	Status      Status
	Settings    Settings
	Version     int64
	Seq         int64
	UpdatedAt   int64 // microseconds since the epoch
	CreatedAt   int64
	Count       int // collaborators
	Invitations []Invitation
	Offer       Offer
}

// Stream is the project's stream in the log.
func Stream(s *State) string { return messages.ProjectStream(string(s.ID)) }

// Changes folds the events of a flight into row changes, once for all engines.
// A user who was added and removed within the flight appears once, as he ended.
func Changes(after *State, events []messages.Event) any {
	change := &Change{Row: rowOf(after)}
	var touched, before []messages.UserID
	touch := func(user string, in bool) {
		if id := messages.UserID(user); !slices.Contains(touched, id) {
			touched = append(touched, id)
			if in {
				before = append(before, id)
			}
		}
	}
	for _, e := range events {
		switch e := e.(type) {
		case *messages.ProjectCreated:
			change.Created = true
		case *messages.ProjectDeleted:
			change.Deleted = true
		case *messages.ProjectCollaboratorAdded:
			touch(e.GetUserId(), false)
		case *messages.ProjectCollaboratorRemoved:
			touch(e.GetUserId(), true)
		case *messages.ProjectOwnershipTransferred:
			touch(e.GetOwnerId(), true) // he may have been in
			touch(e.GetPreviousOwnerId(), false)
		case *messages.ProjectRoleChanged:
			touch(e.GetUserId(), true)
		}
	}
	if change.Deleted {
		return change
	}
	for _, user := range touched {
		if m, in := after.Member(user); in {
			change.Put = append(change.Put, m)
			change.Overwrites = change.Overwrites || slices.Contains(before, user)
		} else {
			change.Removed = append(change.Removed, user)
		}
	}
	change.foldDocuments(after, events)
	return change
}

func rowOf(s *State) Row {
	return Row{
		ID: s.ID, Name: s.Name, Description: s.Description, Owner: s.Owner, Status: s.Status, Settings: s.Settings,
		Version: s.Version, Seq: s.Seq, CreatedAt: messages.Micros(s.CreatedAt), UpdatedAt: messages.Micros(s.UpdatedAt),
		Count: len(s.members), Invitations: slices.Clone(s.Invitations), Offer: s.Offer,
	}
}
