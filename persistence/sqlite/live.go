package sqlite

import (
	"context"
	"fmt"
	"slices"

	"atelier/messages"
)

// heads say which position each kind of topic has reached.
var (
	heads = map[string]*statement{
		messages.TopicProject:  stmt(`SELECT id, seq FROM projects WHERE id IN (SELECT value FROM json_each(?))`),
		messages.TopicDocument: stmt(`SELECT id, version FROM document_logs WHERE id IN (SELECT value FROM json_each(?))`),
	}
	listUpdates = stmt(`SELECT position, data FROM document_updates WHERE document_id = ? AND position > ? ORDER BY position LIMIT ?`)
)

// Heads are the positions that projects or documents have reached. Those that do
// not exist are left out.
func (db *DB) Heads(ctx context.Context, kind string, ids []string) (map[string]int64, error) {
	statement, known := heads[kind]
	if !known {
		return nil, fmt.Errorf("sqlite: heads: there are no topics of the kind %q", kind)
	}
	found := make(map[string]int64, len(ids))
	err := db.read(ctx, "heads", statement, []any{list(ids)}, func(r *row) error {
		id := r.text()
		found[id] = r.int()
		return nil
	})
	return found, err
}

// ListUpdates are updates of a document behind a position that are not folded, in
// their order, at most limit of them.
func (db *DB) ListUpdates(ctx context.Context, id string, after int64, limit int) (updates []*messages.EventRecord, err error) {
	err = db.read(ctx, "list updates", listUpdates, []any{id, after, int64(limit)}, func(r *row) error {
		position := r.int()
		updates = append(updates, &messages.EventRecord{Type: (*messages.DocumentUpdated)(nil).EventType(), Seq: position, Data: slices.Clone(r.blob())})
		return nil
	})
	return updates, err
}
