package messages

import (
	"slices"
	"strings"
	"time"
)

// AuditRow tells who did what, and whether it was done.
type AuditRow struct {
	ID        string    // UUID: of the event, where there is one
	At        time.Time // cut to microseconds
	Actor     string    // user id; empty: nobody who is signed in
	Action    string    // an event's type, or an operation's name
	Target    string    // the event's stream, or the path
	Result    string    // AuditDone or AuditRefused
	Code      string    // of the refusal
	IP        string
	RequestID string
	Detail    string // JSON object
	Seq       int64  // in the chain; 0: not yet in it
	Hash      []byte
}

// Results.
const (
	AuditDone    = "done"
	AuditRefused = "refused"
)

// AuditQuery chooses rows; empty fields choose all. Newest first.
type AuditQuery struct {
	Actor, Action, Target, Result string
	From, To                      time.Time // To excluded
	Limit                         int
	After                         *PageKey
}

// AuditPage is a part of them.
type AuditPage struct {
	Items []AuditRow
	Next  *PageKey
}

// AuditCheckpoint is a signed statement that the chain has this hash at this number.
type AuditCheckpoint struct {
	Seq       int64
	Hash      []byte
	At        time.Time
	Signer    string
	Signature []byte
}

// AuditDetail is what the audit tells of an event beside its type, its actor and whom
// it concerns: a JSON object without names and addresses. It is empty for events that
// are no business of the audit.
func AuditDetail(e Event) string {
	if !Logged(e) || !auditedEvent(e) {
		return ""
	}
	o := newObject() // its members in the order of their names
	if of, is := e.(interface{ GetInvitationId() string }); is {
		o = o.text("invitation_id", of.GetInvitationId())
	}
	if of, is := e.(interface{ GetReason() string }); is {
		o = o.text("reason", of.GetReason())
	}
	if of, is := e.(interface{ GetRole() string }); is {
		o = o.text("role", of.GetRole())
	}
	if of, is := e.(interface{ GetRoles() []string }); is {
		o = o.texts("roles", of.GetRoles())
	}
	if of, is := e.(interface{ GetSessionId() string }); is {
		o = o.text("session_id", of.GetSessionId())
	}
	if of, is := e.(interface{ GetUntil() string }); is {
		o = o.text("until", of.GetUntil())
	}
	if of, is := e.(interface{ GetUserId() string }); is {
		o = o.text("user_id", of.GetUserId())
	}
	return string(o.end())
}

// auditedEvent reports whether an event is about a sign-in, a credential, a role, a
// membership, or the work of an administrator.
func auditedEvent(e Event) bool {
	if updated, is := e.(*UserUpdated); is {
		return len(updated.GetRoles()) > 0
	}
	kind := e.EventType()
	return strings.HasPrefix(kind, "user.") || strings.HasPrefix(kind, "session.") || strings.HasPrefix(kind, "project.collaborator") ||
		strings.HasPrefix(kind, "project.invitation") || strings.HasPrefix(kind, "project.ownership") ||
		slices.Contains([]string{"project.role_changed", "project.archived", "project.restored", "project.deleted"}, kind)
}
