package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"atelier/persistence/postgres"
	"atelier/persistence/sqlite"
)

type backupCommand struct {
	storeSettings
	File string `arg:"" help:"The file to write; there must be none of its name." type:"path"`
}

// Run writes the backup, while servers go on working.
func (c *backupCommand) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	return c.write(ctx, os.Stderr)
}

func (c *backupCommand) write(ctx context.Context, progress io.Writer) error {
	fmt.Fprintf(progress, "%s: backing up\n", c.place())
	engine := "postgres"
	if c.embedded() {
		engine = "sqlite"
	}
	a, err := newArchive(c.File, manifest{Engine: engine, Program: version, Created: time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	if c.embedded() {
		err = c.backupSqlite(ctx, a)
	} else {
		err = c.backupPostgres(ctx, a, progress)
	}
	if err != nil {
		a.abandon()
		return c.located(err)
	}
	size, err := a.close()
	if err != nil {
		a.abandon()
		return fmt.Errorf("the backup cannot be written: %w", err)
	}
	rows := int64(0)
	for _, p := range a.Parts {
		rows += p.Rows
	}
	what := "the whole database"
	if rows > 0 {
		what = fmt.Sprintf("%d rows", rows)
	}
	fmt.Fprintf(progress, "%s: %s, schema %d, %d bytes\n%s\n", c.File, what, a.Schema, size, c.keyReminder())
	return nil
}

// keyReminder says what the backup does not have, and is of no use without.
func (c *storeSettings) keyReminder() string {
	where := "ATELIER_MASTER_KEY"
	if c.embedded() && c.MasterKey == "" {
		where = filepath.Join(c.DataDir, "master.key")
	}
	return "The master key is not in it, and nobody can sign in without: keep " + where + " elsewhere."
}

func (c *backupCommand) backupSqlite(ctx context.Context, a *archive) (err error) {
	a.Schema, err = sqlite.Backup(ctx, c.databaseFile(), filepath.Dir(c.File), func(file *os.File) error {
		return a.add("atelier.db", 0, file)
	})
	return err
}

func (c *backupCommand) backupPostgres(ctx context.Context, a *archive, progress io.Writer) (err error) {
	a.Schema, err = postgres.Backup(ctx, c.DatabaseURL, func(p postgres.Part) error {
		return a.temporary(func(file *os.File) error {
			rows, err := p.Write(file)
			if err != nil {
				return err
			}
			fmt.Fprintf(progress, "  %-24s %d rows\n", p.Name, rows)
			return a.add(p.Name, rows, file)
		})
	})
	return err
}

type restoreCommand struct {
	storeSettings
	File string `arg:"" help:"A file that atelier backup has written." type:"existingfile"`
}

// Run fills an empty database. No server may work on it.
func (c *restoreCommand) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	return c.read(ctx, os.Stderr)
}

func (c *restoreCommand) read(ctx context.Context, progress io.Writer) error {
	m, err := readArchive(c.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, "%s: of %s, %s, schema %d\n", c.File, m.Created.Format(time.RFC3339), m.Engine, m.Schema)
	switch {
	case m.Engine == "sqlite" && !c.embedded(), m.Engine == "postgres" && c.embedded():
		return fmt.Errorf("this backup is of %s: set ATELIER_DATABASE_URL to a database of that kind", map[string]string{"sqlite": "an embedded database", "postgres": "Postgres"}[m.Engine])
	case c.embedded():
		err = c.restoreSqlite(ctx, m)
	default:
		err = c.restorePostgres(ctx, m, progress)
	}
	switch {
	case errors.Is(err, postgres.ErrNotEmpty):
		return fmt.Errorf("%s is not empty: name an empty database with ATELIER_DATABASE_URL", c.place())
	case errors.Is(err, postgres.ErrInUse):
		return fmt.Errorf("%s is in use: stop the nodes that work on it", c.place())
	case errors.Is(err, sqlite.ErrNotEmpty):
		return fmt.Errorf("%s is there already: move it away, or name another directory with ATELIER_DATA_DIR", c.databaseFile())
	case err != nil:
		return c.located(err)
	}
	if _, err := c.migrate(ctx); err != nil {
		return err
	}
	fmt.Fprintf(progress, "%s: restored. Clients that followed events begin anew; the master key must be that of the backup.\n", c.place())
	return nil
}

func (c *restoreCommand) restoreSqlite(ctx context.Context, m *manifest) error {
	held, err := holdDirectory(c.DataDir)
	if err != nil {
		return stopFirst(err)
	}
	defer held.release()
	return eachPart(c.File, func(name string, content io.Reader) error {
		if name == manifestName {
			return nil
		}
		return sqlite.Restore(ctx, c.databaseFile(), m.Schema, uuid.NewString(), content)
	})
}

func (c *restoreCommand) restorePostgres(ctx context.Context, m *manifest, progress io.Writer) error {
	into, err := postgres.Restore(ctx, c.DatabaseURL, m.Schema)
	if err != nil {
		return err
	}
	defer into.Close(context.WithoutCancel(ctx))
	err = eachPart(c.File, func(name string, content io.Reader) error {
		if name == manifestName {
			return nil
		}
		rows, err := into.Fill(ctx, name, content)
		if err == nil {
			fmt.Fprintf(progress, "  %-24s %d rows\n", name, rows)
		}
		return err
	})
	if err != nil {
		return err
	}
	return into.Commit(ctx)
}
