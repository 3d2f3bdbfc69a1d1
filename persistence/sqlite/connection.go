package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net/url"
	"strings"

	"modernc.org/sqlite"
)

// source opens connections to a file. It speaks to the driver without
// database/sql between, whose conversions cost a quarter of a write.
type source struct {
	driver *sqlite.Driver
	file   string // URI
}

func newSource(path string) source {
	d := &sqlite.Driver{}
	// What Postgres does with lower and ILIKE, SQLite does with ASCII alone.
	d.MustRegisterDeterministicScalarFunction("fold", 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		s, _ := args[0].(string)
		return strings.ToLower(s), nil
	})
	// Commits need not wait for the file's time stamps.
	_, _ = sqlite.Fdatasync(true)
	return source{d, "file:" + (&url.URL{Path: path}).EscapedPath()}
}

const (
	pragmas       = "?_pragma=busy_timeout(2000)&_pragma=foreign_keys(ON)&_pragma=temp_store(MEMORY)"
	readerPragmas = "&_pragma=query_only(ON)"
	// Checkpoints come four times less often than by default: pages that are
	// written again and again in between are moved to the file once.
	writerPragmas = "&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-8000)"
)

func (s source) reader() (*connection, error) { return s.connect(readerPragmas) }

var resetLog = stmt(`PRAGMA wal_checkpoint(TRUNCATE)`)

// writer opens the connection that writes. All that the log holds goes to the
// file first: what a crash left there, and what a commit that failed may have
// left there half. Until that is done nothing may be written behind it.
func (s source) writer() (*connection, error) {
	c, err := s.connect(writerPragmas)
	if err != nil {
		return nil, err
	}
	var busy int64
	err = c.each(resetLog, nil, func(r *row) error { busy = r.int(); return nil })
	if err == nil && busy != 0 {
		err = errors.New("another program is reading the file and holds its log")
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (s source) connect(more string) (*connection, error) {
	conn, err := s.driver.Open(s.file + pragmas + more)
	if err != nil {
		return nil, err
	}
	return &connection{conn: conn, waits: flushed, prepared: make(map[*statement]prepared)}, nil
}

// connection is one connection to the file, with the statements that were
// prepared on it. One goroutine at a time uses it.
type connection struct {
	conn     driver.Conn
	prepared map[*statement]prepared
	args     []driver.NamedValue
	waits    durability // of its next commit; the writer's
}

type prepared interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// statement is SQL text; its address finds what was prepared from it.
type statement struct{ text string }

func stmt(text string) *statement { return &statement{text} }

func (c *connection) prepare(s *statement) (prepared, error) {
	if p, ok := c.prepared[s]; ok {
		return p, nil
	}
	made, err := c.conn.Prepare(s.text)
	if err != nil {
		return nil, err
	}
	p := made.(prepared)
	c.prepared[s] = p
	return p, nil
}

func (c *connection) bind(args []any) []driver.NamedValue {
	c.args = c.args[:0]
	for i, value := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: value})
	}
	return c.args
}

// exec runs a statement to its end and tells how many rows it changed. It is
// not interrupted: what it does is short, and a deadline would cost a
// goroutine for each.
func (c *connection) exec(s *statement, args ...any) (changed int, err error) {
	p, err := c.prepare(s)
	if err != nil {
		return 0, err
	}
	result, err := p.ExecContext(context.Background(), c.bind(args))
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// query hands on the rows of a statement.
func (c *connection) query(ctx context.Context, s *statement, args []any, each func(*row) error) (err error) {
	p, err := c.prepare(s)
	if err != nil {
		return err
	}
	rows, err := p.QueryContext(ctx, c.bind(args))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	r := &row{values: make([]driver.Value, len(rows.Columns()))}
	for {
		switch err := rows.Next(r.values); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		r.next = 0
		if err := each(r); err != nil {
			return err
		}
	}
}

// each is query for what is as short as the writer's statements.
func (c *connection) each(s *statement, args []any, row func(*row) error) error {
	return c.query(context.Background(), s, args, row)
}

// any reports whether a statement has a row.
func (c *connection) any(s *statement, args ...any) (found bool, err error) {
	err = c.each(s, args, func(*row) error { found = true; return nil })
	return found, err
}

func (c *connection) close() {
	for _, p := range c.prepared {
		_ = p.Close()
	}
	_ = c.conn.Close() // rolls back what was open
}
