// Package store holds the ports between entities and the database engines. An
// engine claims rows for activations and writes groups of commits; it knows
// neither batching nor event types.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"atelier/messages"
)

// Kind names a kind of entity.
type Kind string

// The kinds of entity.
const (
	Account  Kind = "account"
	Session  Kind = "session"
	Project  Kind = "project"
	Document Kind = "document"
)

// Fence is the right to write one entity's rows: an engine applies a commit
// only while the row still has this epoch and version. Epoch 0 stands for a row
// that must not exist yet; the commit that creates it gives it epoch 1.
type Fence struct {
	Kind    Kind
	ID      string
	Epoch   int64
	Version int64
}

// Claimed is what an activation starts from.
type Claimed[S any] struct {
	Fence
	State S
}

// Claimer takes an entity's row for a node and loads it.
type Claimer[S any] interface {
	// Claim raises the epoch, records the owning node and then, in a second
	// statement of the same transaction, loads the state. It returns
	// ErrNotFound for an unknown id and *MovedError while another node holds
	// the row under a lease that must be respected.
	Claim(ctx context.Context, id, node string) (Claimed[S], error)
	// Release clears the recorded owner where it is this node. Fences stay as
	// they are.
	Release(ctx context.Context, id, node string) error
}

// ErrNotFound says that a claimed id does not exist.
var ErrNotFound = errors.New("store: no such entity")

// ErrFenced is the result of a commit whose fence no longer holds. Nothing of
// it was written.
var ErrFenced = errors.New("store: fenced")

// ErrRolledBack wraps errors of Write after which it is certain that nothing of
// the group was written. Any other error leaves the outcome unknown.
var ErrRolledBack = errors.New("store: rolled back")

// Kinds of ErrRolledBack, all of which imply it.
var (
	// ErrRaced wraps errors of groups that met another transaction which has
	// ended since: as a whole they can be written again.
	ErrRaced = fmt.Errorf("%w: met another transaction", ErrRolledBack)
	// ErrBlocked wraps errors of groups one of which is kept waiting, by a row
	// that someone holds, longer than strangers may be.
	ErrBlocked = fmt.Errorf("%w: kept waiting", ErrRolledBack)
)

// ErrUnavailable wraps errors of engines that could not be reached; nothing was
// written. It implies ErrRolledBack.
var ErrUnavailable = fmt.Errorf("%w: the database cannot be reached", ErrRolledBack)

// ErrSilent wraps errors of writes that were given up because the database answers
// nobody, so that asking again at once is of no use. The outcome is unknown, unless it
// wraps ErrRolledBack too.
var ErrSilent = errors.New("store: the database does not answer")

// MovedError says that another node owns the row.
type MovedError struct{ Node string }

func (e *MovedError) Error() string { return "store: held by node " + e.Node }

// Event is one row of the event log. Its stream is that of its commit.
type Event struct {
	ID         string // UUID v7
	Type       string
	Seq        int64
	Version    int64 // of the aggregate after the event
	Actor      string
	Trace      string
	IP         string // where the request came from, for the audit
	RequestID  string
	Audit      string    // what the audit tells of it beside; empty: nothing
	OccurredAt time.Time // UTC, cut to microseconds
	Data       []byte    // JSON
}

// Mail is a row of mails: one that is to be sent, or what an address asked for.
type Mail struct {
	ID      string // UUID v7
	Kind    string
	To      string
	Params  []byte // sealed for this row; see SealedMail
	Created time.Time
	Expires time.Time // it is not tried any more then
	Trace   string
	Attempt int // of those who claimed it, counted from 1
}

// SealedMail is the place that the params of a mail are sealed for.
func SealedMail(id string) string { return "mails|" + id + "|params" }

// CommandKey identifies a command over all entities.
type CommandKey struct {
	Principal string // user id, or "" for commands without a principal
	Command   string
}

// Reply is the stored answer of a command.
type Reply struct {
	CommandKey
	Fingerprint []byte
	Body        []byte    // protobuf, whole: at most some tens of KiB
	Expires     time.Time // when the row may be removed
	Fresh       bool      // no earlier attempt can have been carried out: none need be looked for
}

// Commit is one entity's flight: everything that the commands in it changed.
// A commit is applied whole or not at all, independently of the others of its
// group.
type Commit struct {
	Fence
	Node    string // owner recorded with a new row
	Next    int64  // version after the commit
	Stream  string // of the events; "" when there are none
	Change  any    // *project.Change, *account.Change, *session.Change, *document.Change; nil to check the fence only
	Events  []Event
	Mails   []Mail
	Replies []Reply      // of the commands in it; a key that exists already refuses the commit
	Lookups []CommandKey // commands about to be refused: were they carried out before?
}

// Result is the end of one commit of a group.
//
//   - Err nil: applied (or, with Change nil, the fence holds).
//   - ErrFenced: not applied.
//   - *messages.Error: not applied, a constraint refused it.
//   - wrapping ErrRolledBack: not applied, in a part of the group that failed.
//   - anything else: the outcome is unknown.
//
// Known lists stored replies of the commit's Replies and Lookups. When one of
// its own Replies is known already, the commit is not applied and Duplicate is
// set.
type Result struct {
	Err       error
	Duplicate bool
	Known     []Reply
}

// Writer writes groups of commits in one transaction. A returned error means
// that the outcome of all is unknown, or, wrapping ErrRolledBack, that nothing
// was written. results[i] belongs to group[i].
type Writer interface {
	Write(ctx context.Context, group []*Commit) (results []Result, err error)
}

// Refused makes the result of a commit that a constraint refused.
func Refused(e *messages.Error) Result { return Result{Err: e} }
