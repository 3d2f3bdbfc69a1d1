package audit

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"

	"atelier/messages"
)

// Source is the chain as the database has it.
type Source interface {
	// AuditChain are rows with numbers greater than after, in their order.
	AuditChain(ctx context.Context, after int64, limit int) ([]messages.AuditRow, error)
	// AuditCheckpoints are those with numbers greater than after, in their order.
	AuditCheckpoints(ctx context.Context, after int64, limit int) ([]messages.AuditCheckpoint, error)
	// AuditMissing is how many events have no row, and one of them.
	AuditMissing(ctx context.Context) (n int64, example string, err error)
}

// Report is what was found.
type Report struct {
	Rows        int64
	Checkpoints int64
	Head        string   // number:hash of the last checkpoint that is good, to be noted elsewhere
	Faults      []string // nothing: all is as it was written
	Found       int64    // how many there are, of which Faults are the first
	Unsigned    int64    // those of them that are signatures of nobody here: keys may be missing
}

const (
	faultsTold = 20
	page       = 1000
)

func (r *Report) fault(format string, args ...any) {
	if r.Found++; len(r.Faults) < faultsTold {
		r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
	}
}

// Head names a checkpoint in a form to be noted.
func Head(c *messages.AuditCheckpoint) string {
	return fmt.Sprintf("%d:%s", c.Seq, hex.EncodeToString(c.Hash))
}

// Verify reads all of the chain. Noted is a Head that was noted earlier, or empty.
func Verify(ctx context.Context, from Source, k *Keys, noted string) (*Report, error) {
	v := &verification{Source: from, keys: k, noted: noted, report: &Report{}}
	if err := v.rows(ctx); err != nil {
		return nil, err
	}
	if err := v.rest(ctx); err != nil {
		return nil, err
	}
	missing, example, err := from.AuditMissing(ctx)
	if err != nil {
		return nil, err
	}
	if missing > 0 {
		v.report.fault("%d events have no row, such as %s", missing, example)
	}
	if noted != "" && !v.seen {
		v.report.fault("the noted checkpoint %s is not in the chain", noted)
	}
	return v.report, nil
}

// verification is one on its way.
type verification struct {
	Source
	keys   *Keys
	noted  string
	seen   bool // the noted one
	report *Report

	last        messages.AuditRow // that was read
	checkpoints []messages.AuditCheckpoint
	checked     int64 // number of the last checkpoint that was read
}

// rows follows the chain, and the checkpoints beside it.
func (v *verification) rows(ctx context.Context) error {
	for {
		rows, err := v.AuditChain(ctx, v.last.Seq, page)
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			r := &rows[i]
			if r.Seq != v.last.Seq+1 {
				v.report.fault("rows %d to %d are missing", v.last.Seq+1, r.Seq-1)
			} else if !bytes.Equal(r.Hash, hash(v.last.Hash, r)) {
				v.report.fault("row %d is not what was written", r.Seq)
			}
			v.last = *r
			v.report.Rows++
			if v.noted != "" && v.noted == Head(&messages.AuditCheckpoint{Seq: r.Seq, Hash: r.Hash}) {
				v.seen = true
			}
			if err := v.check(ctx, r); err != nil {
				return err
			}
		}
	}
}

// check holds a row against the checkpoint of its number, and tells of those that
// were passed over.
func (v *verification) check(ctx context.Context, r *messages.AuditRow) error {
	for {
		c, err := v.next(ctx)
		if err != nil || c == nil || c.Seq > r.Seq {
			return err
		}
		v.checkpoints = v.checkpoints[1:]
		v.report.Checkpoints++
		switch {
		case !v.keys.signed(c):
			v.report.Unsigned++
			v.report.fault("checkpoint %d is not signed by a key of this installation", c.Seq)
		case c.Seq < r.Seq || !bytes.Equal(c.Hash, r.Hash):
			v.report.fault("checkpoint %d was signed for another row", c.Seq)
		default:
			v.report.Head = Head(c)
		}
	}
}

func (v *verification) next(ctx context.Context) (*messages.AuditCheckpoint, error) {
	if len(v.checkpoints) == 0 {
		more, err := v.AuditCheckpoints(ctx, v.checked, page)
		if err != nil || len(more) == 0 {
			return nil, err
		}
		v.checkpoints, v.checked = more, more[len(more)-1].Seq
	}
	return &v.checkpoints[0], nil
}

// rest is what is behind the last row, or the last checkpoint.
func (v *verification) rest(ctx context.Context) error {
	c, err := v.next(ctx)
	if err != nil {
		return err
	}
	if c != nil {
		v.report.fault("the end is cut off: there is no row from %d on, and checkpoint %d", v.last.Seq+1, c.Seq)
		return nil
	}
	if v.checked < v.last.Seq {
		v.report.fault("rows from %d on are behind the last checkpoint", v.checked+1)
	}
	return nil
}
