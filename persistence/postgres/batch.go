package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"atelier/actors/store"
	"atelier/messages"
)

// batch is what one transaction sends, and where its verdicts go.
type batch struct {
	*buffers
	doubt      parts // withDoubt or none
	results    []store.Result
	statements []statement
}

type statement struct {
	text string
	ends []int // of its inputs in the buffer
	read func(pgx.Rows) error
}

// buffers are kept with a connection, for one batch after another.
type buffers struct {
	inputs  []byte // of all statements, one after another
	message []byte // what goes over the wire
}

const (
	buffersKey = "atelier"
	keptBuffer = 4 << 20 // a larger one is not
)

func buffersOf(c *pgconn.PgConn) *buffers {
	b, ok := c.CustomData()[buffersKey].(*buffers)
	if !ok || cap(b.message) > keptBuffer {
		b = &buffers{}
		c.CustomData()[buffersKey] = b
	}
	b.inputs = b.inputs[:0]
	return b
}

// add queues the statement that writes these commits. The reason is what a
// refusal by it means.
func (b *batch) add(flights []flight, texts *statements, fill func(*arguments, []flight), reason *messages.Error) {
	if len(flights) == 0 {
		return
	}
	a := &arguments{buffers: b.buffers, with: b.doubt}
	fill(a, flights)
	b.statements = append(b.statements, statement{texts[a.with](), a.ends, func(rows pgx.Rows) error { return judge(rows, b.results, reason) }})
}

// follow queues a statement that writes what belongs to rows of those before it.
// It asks itself whether they were written, and has no verdicts.
func (b *batch) follow(text string, inputs ...input) {
	a := &arguments{buffers: b.buffers}
	a.add(0, inputs...)
	b.statements = append(b.statements, statement{text, a.ends, func(rows pgx.Rows) error {
		rows.Close()
		return rows.Err()
	}})
}

// arguments of one statement, in the order in which its inputs are declared.
type arguments struct {
	*buffers
	with parts
	ends []int
}

func (a *arguments) add(part parts, inputs ...input) {
	a.with |= part
	for _, in := range inputs {
		a.inputs = in(a.inputs)
		a.ends = append(a.ends, len(a.inputs))
	}
}

// binaryFormat is that of all inputs and results.
var binaryFormat = []int16{pgx.BinaryFormatCode}

// send carries out the statements in one round trip and one transaction.
func (b *batch) send(ctx context.Context, conn *pgx.Conn) error {
	prepared := make([]*pgconn.StatementDescription, len(b.statements))
	for i, s := range b.statements {
		var err error
		if prepared[i], err = conn.Prepare(ctx, s.text, s.text); err != nil {
			return err
		}
	}
	b.offer(conn.PgConn())
	pipeline := conn.PgConn().StartPipeline(ctx)
	from := 0
	for i, s := range b.statements {
		values := make([][]byte, len(s.ends))
		for j, end := range s.ends {
			values[j], from = b.inputs[from:end], end
		}
		pipeline.SendQueryStatement(prepared[i], values, binaryFormat, binaryFormat)
	}
	err := pipeline.Sync()
	for i := 0; i < len(b.statements) && err == nil; i++ {
		var results any
		if results, err = pipeline.GetResults(); err == nil {
			err = b.statements[i].read(pgx.RowsFromResultReader(conn.TypeMap(), results.(*pgconn.ResultReader)))
		}
	}
	if ended := pipeline.Close(); err == nil {
		err = ended
	}
	return err
}

// offer gives the connection a buffer that the whole message fits into: its own
// is small again after each.
func (b *batch) offer(c *pgconn.PgConn) {
	const overhead = 512 // bytes a statement, its inputs' lengths apart
	need := len(b.inputs) + overhead*len(b.statements)
	for _, s := range b.statements {
		need += 4 * len(s.ends)
	}
	if cap(b.message) < need {
		b.message = make([]byte, 0, need+need/4)
	}
	c.Frontend().Send(room(b.message))
}

// room is an empty message that replaces the buffer it is written to.
type room []byte

func (room) Frontend()           {}
func (room) Decode([]byte) error { return nil }

// Encode implements pgproto3.Message.
func (r room) Encode(dst []byte) ([]byte, error) { return append(r[:0], dst...), nil }
