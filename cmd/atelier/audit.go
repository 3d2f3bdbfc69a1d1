package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"atelier/actors/store"
	"atelier/identity/audit"
	"atelier/identity/seal"
	"atelier/messages"
)

type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Find out whether anybody has changed the audit behind the program's back. It reads the database itself; with an embedded one the server must be stopped."`
}

type auditVerifyCommand struct {
	storeSettings
	Noted string `help:"A head that was printed earlier: it must still be in the chain." placeholder:"HEAD"`
}

// Run prints what was found, and fails where that is something.
func (c *auditVerifyCommand) Run(ctx context.Context) error { return c.print(ctx, os.Stdout) }

func (c *auditVerifyCommand) print(ctx context.Context, w io.Writer) error {
	if err := c.check(); err != nil {
		return err
	}
	s := &server{log: slog.New(slog.DiscardHandler)}
	defer func() { _ = s.stop() }()
	if err := c.found(); err != nil {
		return err
	}
	if c.embedded() {
		held, err := holdDirectory(c.DataDir)
		if err != nil {
			return fmt.Errorf("%w; a running server verifies its audit at GET /api/v1/audit/verify", err)
		}
		defer held.release()
	}
	sealer, err := c.masterKey()
	if err != nil {
		return err
	}
	db, err := c.openKept(ctx, s)
	if err != nil {
		return err
	}
	defer db.close()
	report, err := audit.Verify(ctx, db, auditKeys(sealer), c.Noted)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%d rows, %d checkpoints; the head, to be noted elsewhere:\n%s\n", report.Rows, report.Checkpoints, report.Head)
	for _, fault := range report.Faults {
		fmt.Fprintln(w, "fault:", fault)
	}
	if report.Found > 0 && report.Found == report.Unsigned {
		return fmt.Errorf("%d of %d checkpoints are not signed by a key of this installation, and all else is as it was written: has ATELIER_MASTER_KEY the keys that the servers have and had?", report.Unsigned, report.Checkpoints)
	}
	if report.Found > 0 {
		return fmt.Errorf("the audit was changed: %d faults", report.Found)
	}
	fmt.Fprintln(w, "nobody has changed it")
	return nil
}

func auditKeys(sealer *seal.Ring) *audit.Keys { return audit.NewKeys(sealer.DeriveAll("audit")...) }

const (
	refusalsWaiting = 4096
	refusalsAtOnce  = 256
	refusalWait     = time.Second            // for the database, before a refusal is answered all the same
	refusalTime     = 5 * time.Second        // of one try to write
	refusalRetry    = 200 * time.Millisecond // while the database is away
	refusalFaults   = 3                      // of the rows, until they are given up
	auditEvery      = time.Second
	auditAtOnce     = 1000
)

// auditing keeps the audit: it writes what was refused before that is answered, and
// numbers rows and signs checkpoints, one node at a time.
type auditing struct {
	*opened
	keys    *audit.Keys
	now     func() time.Time
	log     *slog.Logger
	refused chan refusal
	dropped atomic.Int64
}

// refusal is a row on its way. Written is closed when it is durable, or lost.
type refusal struct {
	row     messages.AuditRow
	written chan struct{}
}

func newAuditing(db *opened, sealer *seal.Ring, now func() time.Time, log *slog.Logger) *auditing {
	return &auditing{opened: db, keys: auditKeys(sealer), now: now, log: log, refused: make(chan refusal, refusalsWaiting)}
}

// Refused waits until the row is written, together with those of others. Where the
// database is away for longer than a refusal is held back, its row waits on, and is
// lost, and counted, when there are too many of them or the node ends.
func (a *auditing) Refused(ctx context.Context, row messages.AuditRow) {
	ctx, cancel := context.WithTimeout(ctx, refusalWait)
	defer cancel()
	r := refusal{row, make(chan struct{})}
	select {
	case a.refused <- r:
	case <-ctx.Done():
		a.dropped.Add(1)
		return
	}
	select {
	case <-r.written:
	case <-ctx.Done():
	}
}

// VerifyAudit reads all of it.
func (a *auditing) VerifyAudit(ctx context.Context, noted string) (*audit.Report, error) {
	return audit.Verify(ctx, a.opened, a.keys, noted)
}

// write writes refusals until the node stops, and then those that wait.
func (a *auditing) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditEvery)
			defer cancel()
			for len(a.refused) > 0 {
				a.flush(last, <-a.refused)
			}
			return
		case r := <-a.refused:
			a.flush(ctx, r)
		}
	}
}

// flush writes a refusal and those that wait behind it. While the database is away it
// tries again and again, until the node ends.
func (a *auditing) flush(ctx context.Context, first refusal) {
	batch := []refusal{first}
	for len(batch) < refusalsAtOnce && len(a.refused) > 0 {
		batch = append(batch, <-a.refused)
	}
	rows := make([]messages.AuditRow, len(batch))
	for i, r := range batch {
		rows[i] = r.row
		defer close(r.written)
	}
	for tries, faults := 0, 0; ; tries++ {
		err := a.tryAudit(ctx, rows)
		if err == nil {
			return
		}
		if tries == 0 {
			a.log.Warn("refusals cannot be written to the audit", "rows", len(rows), "error", err)
		}
		if theirs(err) {
			faults++
		}
		if ctx.Err() != nil || faults == refusalFaults {
			a.dropped.Add(int64(len(rows)))
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(refusalRetry):
		}
	}
}

// theirs reports whether the rows are the reason that they are not written, and not
// the database.
func theirs(err error) bool {
	return errors.Is(err, store.ErrRolledBack) &&
		!errors.Is(err, store.ErrUnavailable) && !errors.Is(err, store.ErrBlocked) && !errors.Is(err, store.ErrRaced)
}

func (a *auditing) tryAudit(ctx context.Context, rows []messages.AuditRow) error {
	ctx, cancel := context.WithTimeout(ctx, refusalTime)
	defer cancel()
	return a.AddAudit(ctx, rows)
}

// chain numbers rows until the node stops.
func (a *auditing) chain(ctx context.Context) {
	every(ctx, auditEvery, func() {
		if err := a.chainAll(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("the audit was not chained", "error", err)
		}
	})
}

func (a *auditing) chainAll(ctx context.Context) error {
	return emptied(ctx, auditAtOnce, func(ctx context.Context, limit int) (int, error) {
		return a.SealAudit(ctx, limit, func(last messages.AuditCheckpoint, rows []messages.AuditRow) messages.AuditCheckpoint {
			return a.keys.Seal(last, rows, a.now())
		})
	})
}

// readAudit adds what is looked up in the audit.
func (m *metrics) readAudit(a *auditing) {
	m.Counter("atelier_audit_dropped_total", "Refusals that the audit does not tell of, lost while the database was away.", nil, one(func() int64 { return a.dropped.Load() }))
}
