package actors

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"atelier/actors/document"
	"atelier/actors/store"
	"atelier/messages"
)

// FolderConfig says how often documents are looked after.
type FolderConfig struct {
	VersionEvery time.Duration // a document that is written to gets a version that often
	LookAgain    time.Duration // whether it is time for one is asked that often
}

// DefaultFolderConfig keeps a version of each day on which a document changes.
func DefaultFolderConfig() FolderConfig {
	return FolderConfig{VersionEvery: 24 * time.Hour, LookAgain: time.Hour}
}

const (
	foldWait   = 30 * time.Second // for one document
	maxWatched = 10_000           // documents of which it is known when to look again
)

// Folder keeps the documents of this node small and makes their automatic
// versions. It hears what was appended, as one of the Hints, computes beside the
// entities and asks them to take the result: nobody who writes waits for it. What
// is lost of its work when a node ends, the next update of the document asks for
// again.
type Folder struct {
	config    FolderConfig
	runtime   *Runtime
	documents *Documents
	now       func() time.Time
	log       *slog.Logger
	wake      chan struct{}

	mu      sync.Mutex
	due     map[string]chore
	folding map[string]time.Time // what is asked for again only then, unless it has ended
	watched map[string]time.Time // when to look whether a version is due
}

type chore struct{ fold, version bool }

// NewFolder makes the folder of the documents in r. Now is database time.
func NewFolder(config FolderConfig, r *Runtime, d *Documents, now func() time.Time, log *slog.Logger) *Folder {
	return &Folder{
		config: config, runtime: r, documents: d, now: now, log: log,
		wake: make(chan struct{}, 1), due: make(map[string]chore), folding: make(map[string]time.Time), watched: make(map[string]time.Time),
	}
}

// Committed implements Hints.
func (f *Folder) Committed(kind store.Kind, id string, events []messages.Event) {
	if kind != store.Document {
		return
	}
	for _, e := range events {
		switch e := e.(type) {
		case *messages.DocumentUpdated:
			f.note(id, e.GetWaiting() >= document.FoldUpdates || e.GetWaitingBytes() >= document.FoldBytes)
		case *messages.DocumentFolded:
			f.ended(id)
		}
	}
}

func (f *Folder) note(id string, fold bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fold = fold && f.now().After(f.folding[id])
	version := f.now().After(f.watched[id])
	if !fold && !version {
		return
	}
	if version {
		if len(f.watched) >= maxWatched {
			clear(f.watched)
		}
		f.watched[id] = f.now().Add(f.config.LookAgain)
	}
	before := f.due[id]
	f.due[id] = chore{before.fold || fold, before.version || version}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// ended lets a document be folded again.
func (f *Folder) ended(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.folding, id)
}

// Run looks after documents until ctx ends.
func (f *Folder) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		}
		for id, c, more := f.next(); more && ctx.Err() == nil; id, c, more = f.next() {
			f.do(ctx, id, c)
		}
	}
}

func (f *Folder) next() (id string, c chore, more bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, c = range f.due {
		delete(f.due, id)
		if c.fold {
			f.folding[id] = f.now().Add(foldWait)
		}
		return id, c, true
	}
	return "", c, false
}

func (f *Folder) do(ctx context.Context, id string, c chore) {
	ctx, cancel := context.WithTimeout(ctx, foldWait)
	defer cancel()
	if c.version {
		if err := f.keep(ctx, id); err != nil {
			f.log.Warn("a document's version was not made", "document", id, "error", err)
		}
	}
	if c.fold {
		handed, err := f.fold(ctx, id)
		if err != nil {
			f.log.Warn("a document was not folded", "document", id, "error", err)
		}
		if !handed {
			f.ended(id)
		}
	}
}

// fold makes one update of a document's and hands it to the entity, where that is
// still live here. The entity judges whether it comes too late.
func (f *Folder) fold(ctx context.Context, id string) (handed bool, err error) {
	at := f.runtime.directory.find(store.Document, id)
	if at == nil {
		return false, nil
	}
	content, position, err := f.documents.ReadContent(ctx, id)
	if err != nil {
		if messages.HasCode(err, messages.CodeNotFound) {
			err = nil
		}
		return false, err
	}
	f.runtime.tell(at.pid, &messages.FoldDocument{
		Meta: &messages.Meta{RemainingUs: foldWait.Microseconds()}, DocumentId: id, Position: position, Content: content,
	})
	return true, nil
}

// keep makes a version, if the last one is old enough.
func (f *Folder) keep(ctx context.Context, id string) error {
	last, err := f.documents.store.LastVersion(ctx, id)
	if err != nil || last.IsZero() || f.now().Sub(last) < f.config.VersionEvery {
		return err
	}
	project, err := f.documents.store.DocumentProject(ctx, id)
	if err != nil || project == "" {
		return err
	}
	version := uuid.Must(uuid.NewV7()).String()
	_, err = f.documents.CreateVersion(ctx, &messages.CreateVersion{
		Meta: &messages.Meta{CommandId: "m:" + version}, ProjectId: project, DocumentId: id, VersionId: version, Automatic: true,
	})
	if messages.HasCode(err, messages.CodeNotFound) {
		return nil // deleted meanwhile
	}
	return err
}
