package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/pressly/goose/v3"

	"atelier/migrations"
)

// Migrate brings the schema to the newest version and analyses the tables. The
// file is made where there is none. A schema newer than the program is left as it
// is where its migrations say that the program can work on it, and refused
// otherwise.
func Migrate(ctx context.Context, path string) (applied int, err error) {
	err = migrating(path, func(db *sql.DB, provider *goose.Provider) error {
		current, target, err := provider.GetVersions(ctx)
		if err != nil {
			return err
		}
		if current > target {
			return ahead(ctx, db, current, target)
		}
		if current == target {
			return nil
		}
		results, err := provider.Up(ctx)
		if err != nil {
			return err
		}
		applied = len(results)
		_, err = db.ExecContext(ctx, `ANALYZE`)
		return err
	})
	return applied, wrap("migrate", err)
}

// tooNew are the migrations that a program of schema ?1 cannot work with: above
// it, with a floor above it or without one.
const tooNew = `SELECT count(*) FROM goose_db_version WHERE version_id > ?1
	AND version_id NOT IN (SELECT version FROM migration_floors WHERE floor <= ?1)`

// ahead refuses a schema newer than the program, unless all that is newer leaves
// room for it.
func ahead(ctx context.Context, db *sql.DB, current, target int64) error {
	var newer int
	if err := db.QueryRowContext(ctx, tooNew, target).Scan(&newer); err != nil {
		return err
	}
	if newer > 0 {
		return fmt.Errorf("the database is at schema %d, this program knows %d: run a newer version of it", current, target)
	}
	return nil
}

// MigrateDown takes the schema back to nothing. For tests and development.
func MigrateDown(ctx context.Context, path string) error {
	return wrap("migrate down", migrating(path, func(_ *sql.DB, provider *goose.Provider) error {
		_, err := provider.DownTo(ctx, 0)
		return err
	}))
}

// migrating runs f on a database that no other process can have.
func migrating(path string, f func(*sql.DB, *goose.Provider) error) error {
	held, err := hold(path)
	if err != nil {
		return err
	}
	defer held.release()
	return migrator(newSource(path), f)
}

// Status is the version that the schema has, and the one that it should have.
// It may be asked of a database in use.
func Status(ctx context.Context, path string) (current, target int64, err error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		path = ":memory:"
	}
	err = migrator(newSource(path), func(_ *sql.DB, provider *goose.Provider) (err error) {
		current, target, err = provider.GetVersions(ctx)
		return err
	})
	return current, target, wrap("schema version", err)
}

func migrator(s source, f func(*sql.DB, *goose.Provider) error) error {
	files, err := fs.Sub(migrations.SQLite, "sqlite")
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector{s})
	defer db.Close()
	db.SetMaxOpenConns(1)
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return err
	}
	return f(db, provider)
}

// connector gives the migrations a connection of the form that they want.
type connector struct{ source }

func (c connector) Connect(context.Context) (driver.Conn, error) {
	return c.driver.Open(c.file + pragmas + writerPragmas)
}

func (c connector) Driver() driver.Driver { return c.source.driver }
