package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

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
	db, err := c.openStore(ctx, s, freshName())
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
	refusalsEvery   = 200 * time.Millisecond // so that a flood of them is a few writes
	auditEvery      = time.Second
	auditAtOnce     = 1000
)

// auditing keeps the audit: it writes what was refused, a little later, and numbers
// rows and signs checkpoints, one node at a time.
type auditing struct {
	*opened
	keys    *audit.Keys
	now     func() time.Time
	log     *slog.Logger
	refused chan messages.AuditRow
	dropped atomic.Int64
}

func newAuditing(db *opened, sealer *seal.Ring, now func() time.Time, log *slog.Logger) *auditing {
	return &auditing{opened: db, keys: auditKeys(sealer), now: now, log: log, refused: make(chan messages.AuditRow, refusalsWaiting)}
}

// Refused takes a row of what was refused. Where the database does not keep up rows
// are lost, and counted.
func (a *auditing) Refused(r messages.AuditRow) {
	select {
	case a.refused <- r:
	default:
		a.dropped.Add(1)
	}
}

// VerifyAudit reads all of it.
func (a *auditing) VerifyAudit(ctx context.Context, noted string) (*audit.Report, error) {
	return audit.Verify(ctx, a.opened, a.keys, noted)
}

// write writes refusals until the node stops, and then those that wait.
func (a *auditing) write(ctx context.Context) {
	tick := time.NewTicker(refusalsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditEvery)
			defer cancel()
			a.flush(last)
			return
		case <-tick.C:
			a.flush(ctx)
		}
	}
}

func (a *auditing) flush(ctx context.Context) {
	for {
		var rows []messages.AuditRow
	more:
		for len(rows) < refusalsAtOnce {
			select {
			case r := <-a.refused:
				rows = append(rows, r)
			default:
				break more
			}
		}
		if len(rows) == 0 {
			return
		}
		if err := a.AddAudit(ctx, rows); err != nil {
			a.dropped.Add(int64(len(rows)))
			a.log.Warn("refusals were not written to the audit", "rows", len(rows), "error", err)
			return
		}
	}
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
	for {
		n, err := a.SealAudit(ctx, auditAtOnce, func(last messages.AuditCheckpoint, rows []messages.AuditRow) messages.AuditCheckpoint {
			return a.keys.Seal(last, rows, a.now())
		})
		if err != nil || n < auditAtOnce {
			return err
		}
	}
}

// readAudit adds what is looked up in the audit.
func (m *metrics) readAudit(a *auditing) {
	m.Counter("atelier_audit_dropped_total", "Refusals that the audit does not tell of, since the database did not keep up.", nil, one(func() int64 { return a.dropped.Load() }))
}
