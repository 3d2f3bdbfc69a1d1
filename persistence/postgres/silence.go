package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"atelier/actors/store"
	"atelier/messages"
)

// Who has heard nothing for a while has somebody look whether the database answers at
// all. A slow answer has the time that the server keeps, readTimeout or writeTimeout.
// Silence has not: clients are told within two seconds.
const (
	silence    = 1200 * time.Millisecond
	signOfLife = 600 * time.Millisecond
)

var errUnreached = messages.Refuse(messages.CodeUnavailable, "the service cannot reach its database")

// readers are the connections for queries. Query and QueryRow end with errUnreached once
// the database answers nobody.
type readers struct {
	*pgxpool.Pool
	pulse *pulse
}

// hearing is a question under way.
type hearing struct {
	context.Context
	give context.CancelCauseFunc
	look *time.Timer
}

// hear begins a question.
func hear(ctx context.Context, pulse *pulse) *hearing {
	within, give := context.WithCancelCause(ctx)
	return &hearing{within, give, time.AfterFunc(silence, func() {
		if pulse.silent(within) {
			give(errUnreached)
		}
	})}
}

func (h *hearing) end() {
	h.look.Stop()
	h.give(nil)
}

// gaveUp reports whether the question was given up since the database answers nobody.
func (h *hearing) gaveUp() bool { return errors.Is(context.Cause(h), errUnreached) }

// silent says of a write's error that the database answers nobody, unless it has
// answered before.
func (h *hearing) silent(err error) error {
	if !h.gaveUp() || errors.Is(err, store.ErrRolledBack) && !errors.Is(err, store.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", store.ErrSilent, err)
}

// why is errUnreached where that ended the question.
func (h *hearing) why(err error) error {
	if err != nil && h.gaveUp() {
		return errUnreached
	}
	return err
}

func (r readers) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	h := hear(ctx, r.pulse)
	rows, err := r.Pool.Query(h, sql, args...)
	if err != nil {
		defer h.end()
		return nil, h.why(err)
	}
	return heardRows{rows, h}, nil
}

// heardRows end the question when they are closed, as pgx's collectors do.
type heardRows struct {
	pgx.Rows
	*hearing
}

func (r heardRows) Close() {
	r.Rows.Close()
	r.end()
}

func (r heardRows) Err() error { return r.why(r.Rows.Err()) }

func (r readers) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	h := hear(ctx, r.pulse)
	return heardRow{r.Pool.QueryRow(h, sql, args...), h}
}

// heardRow ends the question when it is scanned, as every row is.
type heardRow struct {
	pgx.Row
	*hearing
}

func (r heardRow) Scan(into ...any) error {
	err := r.why(r.Row.Scan(into...))
	r.end()
	return err
}
