package main

import (
	"context"
	"sync/atomic"
	"time"

	"atelier/actors"
	"atelier/actors/store"
	"atelier/messages"
)

const (
	sweepVersionsEvery  = time.Hour
	sweepVersionsAtOnce = 500                 // each has a content
	automaticKept       = 30 * 24 * time.Hour // versions that nobody asked for
	orphansKept         = time.Hour           // contents whose version never came to be
)

// tender passes on what documents' entities commit to whoever looks after them,
// who can only be there once the runtime is.
type tender struct {
	folder atomic.Pointer[actors.Folder]
	folded atomic.Int64 // documents that were folded here
}

// Committed implements actors.Hints.
func (t *tender) Committed(kind store.Kind, id string, events []messages.Event) {
	for _, e := range events {
		if _, is := e.(*messages.DocumentFolded); is {
			t.folded.Add(1)
		}
	}
	if f := t.folder.Load(); f != nil {
		f.Committed(kind, id, events)
	}
}

// tend keeps documents small, makes their automatic versions and removes old ones.
func (s *server) tend(runtime *actors.Runtime, db *opened, now func() time.Time) {
	s.tendAs = func(c actors.FolderConfig) {
		folder := actors.NewFolder(c, runtime, s.clients.documents, now, s.log)
		s.tender.folder.Store(folder)
		s.background(folder.Run)
	}
	s.tendAs(actors.DefaultFolderConfig())
	s.background(func(ctx context.Context) {
		every(ctx, sweepVersionsEvery, func() {
			err := emptied(ctx, sweepVersionsAtOnce, func(ctx context.Context, limit int) (int, error) {
				return db.SweepVersions(ctx, now().Add(-automaticKept), now().Add(-orphansKept), limit)
			})
			if err != nil && ctx.Err() == nil {
				s.log.Warn("old versions of documents were not removed", "error", err)
			}
		})
	})
}
