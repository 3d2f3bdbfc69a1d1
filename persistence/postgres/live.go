package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"atelier/messages"
)

// heads say which position each kind of topic has reached.
var heads = map[string]string{
	messages.TopicProject:  `SELECT id, seq FROM projects WHERE id = ANY($1)`,
	messages.TopicDocument: `SELECT id, version FROM document_logs WHERE id = ANY($1)`,
}

// Heads are the positions that projects or documents have reached, by the primary:
// all that was acknowledged before. Those that do not exist are left out.
func (db *DB) Heads(ctx context.Context, kind string, ids []string) (map[string]int64, error) {
	statement, known := heads[kind]
	if !known {
		return nil, fmt.Errorf("postgres: heads: there are no topics of the kind %q", kind)
	}
	keys := make([]pgtype.UUID, len(ids))
	for i, id := range ids {
		keys[i] = key(id)
	}
	rows, err := db.reads.Query(ctx, statement, keys)
	if err != nil {
		return nil, asked("heads", err)
	}
	found := make(map[string]int64, len(ids))
	var id pgtype.UUID
	var head int64
	_, err = pgx.ForEachRow(rows, []any{&id, &head}, func() error {
		found[text(id)] = head
		return nil
	})
	return found, asked("heads", err)
}

// ListUpdates are updates of a document behind a position that are not folded, in
// their order, at most limit of them.
func (db *DB) ListUpdates(ctx context.Context, id string, after int64, limit int) (updates []*messages.EventRecord, err error) {
	rows, err := db.reads.Query(ctx, `
		SELECT position, data FROM document_updates WHERE document_id = $1 AND position > $2 ORDER BY position LIMIT $3`, key(id), after, limit)
	if err != nil {
		return nil, asked("list updates", err)
	}
	updates, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*messages.EventRecord, error) {
		u := &messages.EventRecord{Type: (*messages.DocumentUpdated)(nil).EventType()}
		err := row.Scan(&u.Seq, &u.Data)
		return u, err
	})
	return updates, asked("list updates", err)
}
