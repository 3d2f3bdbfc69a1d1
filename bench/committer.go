package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"atelier/actors"
	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/identity/password"
	"atelier/messages"
	"atelier/persistence/postgres"
)

// callers is that many goroutines that call f over and over, in this process. The
// CPU of Postgres is metered; that of this process is not told apart.
func (r *rig) callers(ctx context.Context, n int, s span, f func(context.Context) error) (lap, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begin := time.Now().Add(s.warm)
	end := begin.Add(s.measured)
	var count atomic.Int64
	failures := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			for time.Now().Before(end) && ctx.Err() == nil {
				if failures[i] = f(ctx); failures[i] != nil {
					cancel()
					return
				}
				if now := time.Now(); now.After(begin) && now.Before(end) {
					count.Add(1)
				}
			}
		})
	}
	m := &meter{postgres: r.postmaster}
	err := metered(ctx, begin, end, m.read)
	all.Wait()
	for _, failure := range failures {
		if failure != nil && !errors.Is(failure, context.Canceled) {
			return lap{}, failure
		}
	}
	return m.charge(lap{Rate: float64(count.Load()) / s.measured.Seconds()}, s), err
}

// groups is the committer with that many callers: each submits a new project,
// with its event, outbox row and command, and waits until it is committed.
func (r *rig) groups(n int) racer {
	return racer{"committer", func(ctx context.Context, s span) (lap, error) {
		db, err := postgres.Open(ctx, postgres.Config{URL: r.ours})
		if err != nil {
			return lap{}, err
		}
		defer db.Close()
		committer := actors.NewCommitter(actors.DefaultCommitterConfig(), db, nil, slog.New(slog.NewTextHandler(os.Stderr, nil)))
		defer committer.Stop()
		return r.callers(ctx, n, s, func(context.Context) error {
			landed := make(chan store.Result, 1)
			if !committer.Submit(newProject(), func(result store.Result) { landed <- result }) {
				return errors.New("the committer is full")
			}
			return (<-landed).Err
		})
	}}
}

var createdData = []byte(`{"project_id":"00000000-0000-4000-8000-000000000001","name":"Project of the committer","description":"` + description +
	`","owner_id":"00000000-0000-4000-8000-000000000001","status":"draft","settings":{"public":false,"max_collaborators":20,"allow_comments":true}}`)

// newProject is the commit of a create.
func newProject() *store.Commit {
	id, now := uuid.Must(uuid.NewV7()).String(), time.Now().UTC()
	owner := number(1 + int(serial.Add(1))%members)
	settings := project.DefaultSettings()
	row := project.Row{
		ID: messages.ProjectID(id), Name: "Project of the committer", Description: description, Owner: messages.UserID(owner), Status: project.Draft,
		Settings: settings, Version: 1, Seq: 1, CreatedAt: messages.Micros(now), UpdatedAt: messages.Micros(now),
	}
	return &store.Commit{
		Fence: store.Fence{Kind: store.Project, ID: id}, Node: "bench", Next: 1, Stream: messages.ProjectStream(id),
		Change: &project.Change{Created: true, Row: row},
		Events: []store.Event{{ID: uuid.Must(uuid.NewV7()).String(), Type: "project.created", Seq: 1, Version: 1, Actor: owner, OccurredAt: now, Data: createdData}},
		Replies: []store.Reply{{
			CommandKey:  store.CommandKey{Principal: owner, Command: "k:" + id},
			Fingerprint: make([]byte, 32), Body: make([]byte, 250), Expires: now.Add(24 * time.Hour),
		}},
	}
}

// transactions is the same rows by one pgx transaction each, over as many
// connections as there are callers, up to 64: more are slower.
func (r *rig) transactions(n int) racer {
	return racer{"pgx transactions", func(ctx context.Context, s span) (lap, error) {
		config, err := pgxpool.ParseConfig(r.alone)
		if err != nil {
			return lap{}, err
		}
		config.MaxConns = int32(min(n, 64))
		pool, err := pgxpool.NewWithConfig(ctx, config)
		if err != nil {
			return lap{}, err
		}
		defer pool.Close()
		return r.callers(ctx, n, s, func(ctx context.Context) error {
			return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return insertProject(ctx, tx, newProject()) })
		})
	}}
}

func insertProject(ctx context.Context, tx pgx.Tx, c *store.Commit) error {
	row, event, reply := c.Change.(*project.Change).Row, c.Events[0], c.Replies[0]
	for _, statement := range []struct {
		text   string
		values []any
	}{
		{`INSERT INTO projects (id, name, description, owner_id, settings) VALUES ($1, $2, $3, $4, '{"public":false,"max_collaborators":20,"allow_comments":true}')`,
			[]any{c.ID, row.Name, row.Description, string(row.Owner)}},
		{`INSERT INTO events (id, stream, seq, version, type, data, actor_id, occurred_at, trace) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '')`,
			[]any{event.ID, c.Stream, event.Seq, event.Version, event.Type, string(event.Data), event.Actor, event.OccurredAt}},
		{`INSERT INTO outbox (event_id, shard, stream, seq, created_at) VALUES ($1, 1, $2, $3, $4)`, []any{event.ID, c.Stream, event.Seq, event.OccurredAt}},
		{`INSERT INTO commands (principal, command_id, fingerprint, reply, expires_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			[]any{reply.Principal, reply.Command, reply.Fingerprint, reply.Body, reply.Expires}},
	} {
		if _, err := tx.Exec(ctx, statement.text, statement.values...); err != nil {
			return err
		}
	}
	return nil
}

// hashing is what so many cores can do of the work that a sign-in cannot avoid.
func hashing(name string, cores int) racer {
	return racer{name, func(ctx context.Context, s span) (lap, error) {
		hasher := password.NewHasher(password.DefaultParams(), cores, 0)
		return (&rig{}).callers(ctx, cores, s, func(ctx context.Context) error {
			_, err := hasher.Hash(ctx, passphrase)
			return err
		})
	}}
}
