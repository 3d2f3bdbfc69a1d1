package actors

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"

	"atelier/actors/document"
	"atelier/actors/store"
	"atelier/messages"
)

// DocumentStore is where documents are read, and where versions of them lie. What
// is read holds all that was acknowledged before.
type DocumentStore interface {
	// ReadDocument reads a document as it is stored; nil: there is none.
	ReadDocument(ctx context.Context, id string) (*messages.DocumentLog, error)
	// DocumentPosition is the position of a document, 0 where there is none.
	DocumentPosition(ctx context.Context, id string) (int64, error)
	// DocumentProject is the project of a document, which never changes; empty: there
	// is no such document.
	DocumentProject(ctx context.Context, id string) (projectID string, err error)
	// PutVersion stores a version's content, which counts once the project knows
	// the version.
	PutVersion(ctx context.Context, id, document string, content []byte) error
	// ReadVersion is the content of a document's version; nil: there is none.
	ReadVersion(ctx context.Context, id, document string) ([]byte, error)
	// LastVersion is when the newest version of a document was made, or the
	// document where it has none.
	LastVersion(ctx context.Context, document string) (time.Time, error)
}

// Documents asks projects for their documents, and document entities.
type Documents struct {
	caller Caller
	store  DocumentStore
	slots  chan struct{} // of contents that are read
}

// readsAtOnce is how many contents of documents are read at a time: each is in memory
// several times over while it is.
const readsAtOnce = 8

// NewDocuments makes the client.
func NewDocuments(c Caller, s DocumentStore) *Documents {
	return &Documents{c, s, make(chan struct{}, readsAtOnce)}
}

// CreateDocument begins an empty document under the command's id.
func (d *Documents) CreateDocument(ctx context.Context, c *messages.CreateDocument) (*messages.Document, error) {
	return ask[*messages.Document](ctx, d.caller, store.Project, c.GetProjectId(), c)
}

// RenameDocument gives a document another name.
func (d *Documents) RenameDocument(ctx context.Context, c *messages.RenameDocument) (*messages.Document, error) {
	return ask[*messages.Document](ctx, d.caller, store.Project, c.GetProjectId(), c)
}

// DeleteDocument removes a document with its content and its versions.
func (d *Documents) DeleteDocument(ctx context.Context, c *messages.DeleteDocument) (*messages.Done, error) {
	return ask[*messages.Done](ctx, d.caller, store.Project, c.GetProjectId(), c)
}

// GetDocument reads what a document is called.
func (d *Documents) GetDocument(ctx context.Context, c *messages.GetDocument) (*messages.Document, error) {
	return ask[*messages.Document](ctx, d.caller, store.Project, c.GetProjectId(), c)
}

// GetGrant asks the project what the caller may do with a document.
func (d *Documents) GetGrant(ctx context.Context, c *messages.GetGrant) (*messages.Grant, error) {
	return ask[*messages.Grant](ctx, d.caller, store.Project, c.GetProjectId(), c)
}

// AppendUpdate adds an update. When it returns the update is durable.
func (d *Documents) AppendUpdate(ctx context.Context, c *messages.AppendUpdate) (*messages.Appended, error) {
	return ask[*messages.Appended](ctx, d.caller, store.Document, c.GetDocumentId(), c)
}

// Position is where a document's content is: it tells whether anything was written.
func (d *Documents) Position(ctx context.Context, id string) (int64, error) {
	return d.store.DocumentPosition(ctx, id)
}

// ReadContent is all of a document as one update, and its position. It asks for no
// right: that is what grants are for.
func (d *Documents) ReadContent(ctx context.Context, id string) (content []byte, position int64, err error) {
	err = d.read(ctx, id, func(l *messages.DocumentLog) error {
		content, err = document.Content(l)
		position = l.GetPosition()
		return err
	})
	return content, position, err
}

// ReadMissing is what somebody with a state vector lacks of a document, with the
// document's own state vector and its position. It asks for no right either.
func (d *Documents) ReadMissing(ctx context.Context, id string, vector []byte) (update, has []byte, position int64, err error) {
	err = d.read(ctx, id, func(l *messages.DocumentLog) error {
		update, has, err = document.Missing(l, vector)
		position = l.GetPosition()
		return err
	})
	return update, has, position, err
}

// Adds reports whether an update has anything that a document lacks.
func (d *Documents) Adds(ctx context.Context, id string, update []byte) (adds bool, err error) {
	err = d.read(ctx, id, func(l *messages.DocumentLog) error {
		adds, err = document.Adds(l, update)
		return err
	})
	return adds, err
}

// read reads a document when there is room for one more, and makes something of it.
func (d *Documents) read(ctx context.Context, id string, use func(*messages.DocumentLog) error) error {
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-ctx.Done():
		return messages.Refuse(messages.CodeOverloaded, "the node reads as many documents as it can")
	}
	l, err := d.store.ReadDocument(ctx, id)
	if err == nil && l == nil {
		err = messages.Missing("document")
	}
	if err != nil {
		return err
	}
	return use(l)
}

// AppendUpdates adds updates, however many and large, in as few commands as take
// them. When it returns without an error all are durable; else some may be, and may
// be sent again.
func (d *Documents) AppendUpdates(ctx context.Context, c *messages.AppendUpdate, updates [][]byte) error {
	parts, err := document.Joined(updates)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if _, err := d.AppendUpdate(ctx, &messages.AppendUpdate{Meta: ownMeta(c.GetMeta()), DocumentId: c.GetDocumentId(), Grant: c.GetGrant(), Update: part}); err != nil {
			return err
		}
	}
	return nil
}

// ownMeta is that of one of several commands by which another is carried out. They
// have no ids, by which their replies would be stored: an update that is there already
// is not added again, and one for a position that is past is refused.
func ownMeta(of *messages.Meta) *messages.Meta {
	m := proto.CloneOf(of)
	m.CommandId, m.Fingerprint = "", nil
	return m
}

// CreateVersion keeps the content that the document has now. The content lies in
// its place before the project hears of it, so that every version has one.
func (d *Documents) CreateVersion(ctx context.Context, c *messages.CreateVersion) (*messages.DocumentVersion, error) {
	content, position, err := d.ReadContent(ctx, c.GetDocumentId())
	if err != nil {
		return nil, err
	}
	if err := d.store.PutVersion(ctx, c.GetVersionId(), c.GetDocumentId(), content); err != nil {
		return nil, err
	}
	c.Position, c.Size = position, int64(len(content))
	return ask[*messages.DocumentVersion](ctx, d.caller, store.Project, c.GetProjectId(), c)
}

const (
	restoreAttempts = 20                    // a version is compared anew with what is written meanwhile
	restorePause    = 50 * time.Millisecond // between them, about
)

var errBusy = &messages.Error{Code: messages.CodeOverloaded, Message: "others write in the document all the time: try again in a moment", RetryAfterMs: 1000}

// RestoreVersion makes the document show again what a version shows, by updates of
// its own. They are computed from what there is, and taken only where nobody has written
// since. With a client's key they are made once: who asks again takes away nothing that
// was written later.
func (d *Documents) RestoreVersion(ctx context.Context, c *messages.RestoreDocument, by messages.Granting) (*messages.Appended, error) {
	appended, err := d.restored(ctx, c, by)
	if err != nil {
		return nil, err
	}
	c.Position = appended.GetPosition()
	_, err = ask[*messages.Done](ctx, d.caller, store.Project, c.GetProjectId(), c)
	return appended, err
}

// restored changes the document, unless that was done under the same key before, or
// something else was.
func (d *Documents) restored(ctx context.Context, c *messages.RestoreDocument, by messages.Granting) (*messages.Appended, error) {
	if c.GetMeta().Keyed() {
		asking := proto.CloneOf(c)
		asking.Position = messages.Nowhere
		if _, err := ask[*messages.Done](ctx, d.caller, store.Project, c.GetProjectId(), asking); err != nil && !messages.HasCode(err, messages.CodeVersionMismatch) {
			return nil, err
		}
		appended, err := d.appendBy(ctx, by, &messages.AppendUpdate{Meta: lastMeta(c.GetMeta()), DocumentId: c.GetDocumentId(), At: messages.Nowhere})
		if !messages.HasCode(err, messages.CodeVersionMismatch) {
			return appended, err
		}
	}
	version, err := d.store.ReadVersion(ctx, c.GetVersionId(), c.GetDocumentId())
	if err != nil {
		return nil, err
	}
	if version == nil {
		return nil, messages.Missing("version")
	}
	for range restoreAttempts {
		appended, err := d.restore(ctx, c, by, version)
		if !messages.HasCode(err, messages.CodeVersionMismatch) {
			return appended, err
		}
		if !sleep(ctx, rand.N(2*restorePause)) {
			break
		}
	}
	return nil, errBusy
}

// appendBy adds an update by the grant that it is given.
func (d *Documents) appendBy(ctx context.Context, by messages.Granting, c *messages.AppendUpdate) (appended *messages.Appended, err error) {
	err = by(ctx, func(g *messages.Grant) (err error) {
		appended, err = d.AppendUpdate(ctx, &messages.AppendUpdate{Meta: proto.CloneOf(c.GetMeta()), DocumentId: c.GetDocumentId(), Grant: g, Update: c.GetUpdate(), At: c.GetAt()})
		return err
	})
	return appended, err
}

// lastMeta is that of the update which completes a restoration: its id follows from the
// client's key, and is none that a client can give.
func lastMeta(of *messages.Meta) *messages.Meta {
	m := proto.CloneOf(of)
	m.CommandId += " restored"
	return m
}

// nothing is an update without anything in it.
var nothing = []byte{0, 0}

func (d *Documents) restore(ctx context.Context, c *messages.RestoreDocument, by messages.Granting, version []byte) (*messages.Appended, error) {
	current, position, err := d.ReadContent(ctx, c.GetDocumentId())
	if err != nil {
		return nil, err
	}
	updates, err := document.Restored(current, version, newClient())
	if err != nil {
		return nil, err
	}
	if len(updates) == 0 && c.GetMeta().Keyed() {
		updates = [][]byte{nothing} // which is remembered
	}
	appended := &messages.Appended{DocumentId: c.GetDocumentId(), Position: position}
	for i, update := range updates {
		m := ownMeta(c.GetMeta())
		if i == len(updates)-1 && c.GetMeta().Keyed() {
			m = lastMeta(c.GetMeta())
		}
		appended, err = d.appendBy(ctx, by, &messages.AppendUpdate{Meta: m, DocumentId: c.GetDocumentId(), Update: update, At: appended.GetPosition()})
		if err != nil {
			return nil, err
		}
	}
	return appended, nil
}

// newClient is a number for a Yjs client. Yjs gives itself 32 bits; these are others.
func newClient() uint64 { return 1<<32 | uint64(rand.Uint32()) }

// AddDocuments makes the runtime a home of document entities.
func AddDocuments(r *Runtime, claimer store.Claimer[*document.State]) {
	r.Add(newKind(r, spec[*document.State]{
		name: store.Document, claimer: claimer, empty: func() *document.State { return &document.State{} },
		stream: document.Stream, changes: document.Changes, receive: receiveDocument,
		creates: func(messages.Command) bool { return false }, // the project creates documents
	}))
}

func receiveDocument(t turn[*document.State], c messages.Command) {
	switch c := c.(type) {
	case *messages.AppendUpdate:
		write(t, c, document.Append, document.Appended)
	case *messages.FoldDocument:
		write(t, c, document.Fold, done)
	default:
		t.unknown(c)
	}
}
