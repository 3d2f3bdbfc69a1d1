package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"atelier/migrations"
)

// Nodes that start together take turns: each asks for the lock so often, every
// so many seconds.
const (
	lockEvery = 1
	lockTries = 300
)

// Migrate brings the schema to the newest version, under a lock that all nodes
// respect, and analyses the tables: plans made without statistics cost many
// times more. A schema newer than the program is left as it is where its
// migrations say that the program can work on it, and refused otherwise.
func Migrate(ctx context.Context, url string) (applied int, err error) {
	db, provider, err := migrator(url)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return 0, wrap("migrate", err)
	}
	if current > target {
		return 0, ahead(ctx, db, current, target)
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return 0, wrap("migrate", err)
	}
	if len(results) > 0 {
		_, err = db.ExecContext(ctx, `ANALYZE`)
	}
	return len(results), wrap("analyse", err)
}

// tooNew are the migrations that a program of schema $1 cannot work with: above
// it, with a floor above it or without one.
const tooNew = `SELECT count(*) FROM goose_db_version WHERE version_id > $1
	AND version_id NOT IN (SELECT version FROM migration_floors WHERE floor <= $1)`

// ahead refuses a schema newer than the program, unless all that is newer leaves
// room for it.
func ahead(ctx context.Context, db *sql.DB, current, target int64) error {
	var newer int
	if err := db.QueryRowContext(ctx, tooNew, target).Scan(&newer); err != nil {
		return wrap("schema version", err)
	}
	if newer > 0 {
		return fmt.Errorf("postgres: the database is at schema %d, this program knows %d: run a newer version of it", current, target)
	}
	return nil
}

// MigrateDown takes the schema back to nothing. For tests and development.
func MigrateDown(ctx context.Context, url string) error {
	db, provider, err := migrator(url)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = provider.DownTo(ctx, 0)
	return wrap("migrate down", err)
}

// Status is the version that the schema has, and the one that it should have.
func Status(ctx context.Context, url string) (current, target int64, err error) {
	db, provider, err := migrator(url)
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	current, target, err = provider.GetVersions(ctx)
	return current, target, wrap("schema version", err)
}

func migrator(url string) (*sql.DB, *goose.Provider, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, nil, fmt.Errorf("postgres: the database URL cannot be read")
	}
	watched(config.RuntimeParams)
	files, err := fs.Sub(migrations.Postgres, "postgres")
	if err != nil {
		return nil, nil, err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(lockEvery, lockTries))
	if err != nil {
		return nil, nil, err
	}
	db := stdlib.OpenDB(*config)
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		db.Close()
		return nil, nil, wrap("migrations", err)
	}
	return db, provider, nil
}
