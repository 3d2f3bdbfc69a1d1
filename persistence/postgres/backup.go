package postgres

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/jackc/pgx/v5"
)

// Of these tables a backup has nothing: migrations fill them, they hold leases of
// nodes that will not be there when it is restored, or what can be worked out anew.
const ofTheMoment = `'goose_db_version', 'migration_floors', 'nodes', 'outbox_shards', 'outbox_relays', 'cached'`

// tablesToKeep are the others, with their columns but for the nodes that rows are
// claimed by; those that others refer to come first.
const tablesToKeep = `
	WITH RECURSIVE kept AS (
		SELECT c.oid, c.relname::text AS name FROM pg_class c
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname NOT IN (` + ofTheMoment + `)
	), referred AS (
		SELECT oid, 0 AS depth FROM kept
		UNION
		SELECT k.conrelid, r.depth + 1 FROM referred r JOIN pg_constraint k ON k.confrelid = r.oid AND k.contype = 'f' AND k.conrelid <> k.confrelid
		WHERE r.depth < 32
	)
	SELECT kept.name, string_agg(DISTINCT quote_ident(a.attname), ', ')
	FROM kept JOIN referred USING (oid) JOIN pg_attribute a ON a.attrelid = kept.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attname <> 'node'
	GROUP BY kept.name ORDER BY max(referred.depth), kept.name`

// Part is a table on its way into a backup. Write renders its rows.
type Part struct {
	Name  string
	Write func(io.Writer) (rows int64, err error)
}

// Backup hands out the tables as they are at one moment, each as a part, in an order
// in which Restore takes them, and tells the schema that they have. Nodes go on
// working meanwhile.
func Backup(ctx context.Context, url string, each func(Part) error) (schema int64, err error) {
	conn, err := bulk(ctx, url)
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return 0, wrap("backup", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if schema, err = schemaOf(ctx, tx); err != nil {
		return 0, err
	}
	rows, err := tx.Query(ctx, tablesToKeep)
	if err != nil {
		return 0, wrap("tables", err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Name, Columns string }])
	if err != nil {
		return 0, wrap("tables", err)
	}
	for _, t := range tables {
		err := each(Part{Name: t.Name, Write: func(w io.Writer) (int64, error) {
			// The columns come first, since a later schema may have them in another order.
			if _, err := io.WriteString(w, t.Columns+"\n"); err != nil {
				return 0, err
			}
			tag, err := conn.PgConn().CopyTo(ctx, w, "COPY "+pgx.Identifier{t.Name}.Sanitize()+" ("+t.Columns+") TO STDOUT")
			return tag.RowsAffected(), wrap("copy "+t.Name, err)
		}})
		if err != nil {
			return 0, err
		}
	}
	return schema, nil
}

func schemaOf(ctx context.Context, tx pgx.Tx) (schema int64, err error) {
	err = tx.QueryRow(ctx, `SELECT max(version_id) FROM goose_db_version WHERE is_applied`).Scan(&schema)
	return schema, wrap("schema version", err)
}

// bulk is a connection without the time-outs of requests.
func bulk(ctx context.Context, url string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("postgres: the database URL cannot be read")
	}
	config.RuntimeParams["application_name"] = "atelier backup"
	config.RuntimeParams["statement_timeout"] = "0"
	watched(config.RuntimeParams)
	conn, err := pgx.ConnectConfig(ctx, config)
	return conn, wrap("connect", err)
}

// ErrNotEmpty says that a backup cannot be restored into a database, since there is
// something in it.
var ErrNotEmpty = errors.New("there are users or events in the database already")

// ErrInUse says that nodes work on the database.
var ErrInUse = errors.New("nodes work on the database")

// Restoration is an empty database that is being filled, in one transaction.
type Restoration struct {
	conn *pgx.Conn
	tx   pgx.Tx
}

// Restore brings an empty database to a schema and begins to fill it. The parts come
// in the order of the backup.
func Restore(ctx context.Context, url string, schema int64) (_ *Restoration, err error) {
	if err := migrateTo(ctx, url, schema); err != nil {
		return nil, err
	}
	r := &Restoration{}
	if r.conn, err = bulk(ctx, url); err != nil {
		return nil, err
	}
	if r.tx, err = r.conn.Begin(ctx); err == nil {
		err = vacant(ctx, r.tx)
	}
	if err != nil {
		r.Close(ctx)
		return nil, wrap("restore", err)
	}
	return r, nil
}

var columnList = regexp.MustCompile(`^[a-z_"]+(, [a-z_"]+)*\n$`)

// Fill fills a table with its part, in place of what migrations put there.
func (r *Restoration) Fill(ctx context.Context, name string, part io.Reader) (rows int64, err error) {
	buffered := bufio.NewReader(part)
	columns, err := buffered.ReadString('\n')
	if err == nil && !columnList.MatchString(columns) {
		err = errors.New("its columns cannot be read")
	}
	if err != nil {
		return 0, wrap(name, err)
	}
	table := pgx.Identifier{name}.Sanitize()
	if _, err := r.tx.Exec(ctx, "DELETE FROM "+table); err != nil {
		return 0, wrap("empty "+name, err)
	}
	tag, err := r.conn.PgConn().CopyFrom(ctx, buffered, "COPY "+table+" ("+columns+") FROM STDIN")
	return tag.RowsAffected(), wrap("copy "+name, err)
}

// Commit ends the restoration. The event log gets another identity, since who
// followed the old one cannot go on where he was.
func (r *Restoration) Commit(ctx context.Context) error {
	for _, last := range []string{`ALTER TABLE events ENABLE TRIGGER USER`, `UPDATE installation SET log = gen_random_uuid()`} {
		if _, err := r.tx.Exec(ctx, last); err != nil {
			return wrap("restore", err)
		}
	}
	if err := r.tx.Commit(ctx); err != nil {
		return wrap("restore", err)
	}
	_, err := r.conn.Exec(ctx, `ANALYZE`)
	return wrap("analyse", err)
}

// Close takes back what was not committed.
func (r *Restoration) Close(ctx context.Context) { _ = r.conn.Close(ctx) }

func migrateTo(ctx context.Context, url string, schema int64) error {
	db, provider, err := migrator(url)
	if err != nil {
		return err
	}
	defer db.Close()
	current, target, err := provider.GetVersions(ctx)
	switch {
	case err != nil:
		return wrap("schema version", err)
	case schema > target:
		return fmt.Errorf("postgres: the backup is of schema %d, this program knows %d: restore it with a newer version", schema, target)
	case current > schema:
		return fmt.Errorf("postgres: the database is at schema %d already, the backup is of %d: restore it into a new database", current, schema)
	}
	_, err = provider.UpTo(ctx, schema)
	return wrap("migrate", err)
}

// vacant keeps nodes out and refuses a database that has something in it.
func vacant(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `LOCK TABLE users, nodes IN EXCLUSIVE MODE`); err != nil {
		return err
	}
	var used, live bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM events),
		EXISTS (SELECT FROM nodes WHERE NOT dead AND expires > clock_timestamp())`).Scan(&used, &live)
	switch {
	case err != nil:
		return err
	case used:
		return ErrNotEmpty
	case live:
		return ErrInUse
	}
	_, err = tx.Exec(ctx, `ALTER TABLE events DISABLE TRIGGER USER`) // what it would note is in a part of its own
	return err
}
