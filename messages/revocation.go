package messages

// Mark names what a revocation takes away: everything that was validated for
// the user, the session or the user in the project before it. Empty fields
// match all.
type Mark struct {
	User    string
	Session string
	Project string
}

// EventMarks are the revocations that an event amounts to. The id is that of
// the aggregate that the event changed.
func EventMarks(e Event, id string) []Mark {
	switch e := e.(type) {
	case *SessionEnded:
		return []Mark{{Session: e.GetSessionId()}}
	case *UserSuspended, *UserDeactivated, *UserDeleted:
		return []Mark{{User: id}}
	case *UserUpdated:
		if len(e.GetRoles()) > 0 {
			return []Mark{{User: id}}
		}
	case *UserPasswordChanged:
		if e.GetByLink() {
			return []Mark{{User: id}}
		}
	case *ProjectCollaboratorRemoved:
		return []Mark{{Project: id, User: e.GetUserId()}}
	case *ProjectRoleChanged:
		return []Mark{{Project: id, User: e.GetUserId()}}
	case *ProjectOwnershipTransferred:
		return []Mark{{Project: id, User: e.GetPreviousOwnerId()}, {Project: id, User: e.GetOwnerId()}}
	case *ProjectArchived, *ProjectDeleted, *DocumentDeleted:
		return []Mark{{Project: id}}
	case *ProjectSettingsChanged:
		if e.Public != nil && !e.GetPublic() {
			return []Mark{{Project: id}}
		}
	}
	return nil
}

// RaisedMarks name those who may do more by an event than they might before. The id is
// that of the aggregate that it changed.
func RaisedMarks(e Event, id string) []Mark {
	switch e := e.(type) {
	case *ProjectCollaboratorAdded:
		return []Mark{{Project: id, User: e.GetUserId()}}
	case *ProjectRestored:
		return []Mark{{Project: id}}
	}
	return nil
}

// CommandMarks are the revocations that carrying out a command again would
// amount to: a stored reply repeats them before it is given.
func CommandMarks(c Command) []Mark {
	switch c := c.(type) {
	case *EndSession:
		return []Mark{{Session: c.GetSessionId()}}
	case *EndOtherSessions:
		return []Mark{{User: c.GetUserId()}}
	case *ChangePassword:
		return []Mark{{User: c.GetUserId()}}
	case *ResetPassword:
		return []Mark{{User: c.GetUserId()}}
	case *SuspendUser:
		return []Mark{{User: c.GetUserId()}}
	case *DeleteAccount:
		return []Mark{{User: c.GetUserId()}}
	case *DeactivateUser:
		return []Mark{{User: c.GetUserId()}}
	case *UpdateAccount:
		if c.GetSetRoles() {
			return []Mark{{User: c.GetUserId()}}
		}
	case *SetRoles:
		return []Mark{{User: c.GetUserId()}}
	case *RemoveCollaborator:
		return []Mark{{Project: c.GetProjectId(), User: c.GetUserId()}}
	case *ChangeRole:
		return []Mark{{Project: c.GetProjectId(), User: c.GetUserId()}}
	case *AcceptOwnership:
		return []Mark{{Project: c.GetProjectId()}}
	case *ArchiveProject:
		return []Mark{{Project: c.GetProjectId()}}
	case *DeleteDocument:
		return []Mark{{Project: c.GetProjectId()}}
	case *DeleteProject:
		return []Mark{{Project: c.GetProjectId()}}
	case *UpdateProject:
		if s := c.GetSettings(); s != nil && s.Public != nil && !s.GetPublic() {
			return []Mark{{Project: c.GetProjectId()}}
		}
	}
	return nil
}
