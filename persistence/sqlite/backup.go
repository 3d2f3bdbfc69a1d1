package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Backup hands out a copy of the database as it is at one moment, and tells the
// schema that it has. A server may work on it meanwhile. The copy lies in folder for
// as long as each takes.
func Backup(ctx context.Context, path, folder string, each func(file *os.File) error) (schema int64, err error) {
	if _, err := os.Stat(path); err != nil {
		return 0, wrap("backup", err)
	}
	if schema, _, err = Status(ctx, path); err != nil {
		return 0, err
	}
	file, err := os.CreateTemp(folder, ".atelier-*.db")
	if err != nil {
		return 0, wrap("backup", err)
	}
	defer os.Remove(file.Name())
	defer file.Close()
	err = beside(path, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, `VACUUM INTO ?`, file.Name())
		return err
	})
	if err != nil {
		return 0, wrap("backup", err)
	}
	return schema, each(file)
}

// beside opens a database whoever else has it.
func beside(path string, f func(*sql.DB) error) error {
	db := sql.OpenDB(connector{newSource(path)})
	db.SetMaxOpenConns(1)
	return errors.Join(f(db), db.Close())
}

// ErrNotEmpty says that there is a database already where one is to be restored.
var ErrNotEmpty = errors.New("there is a database already")

// Restore puts a copy where there is no database yet. The event log gets another
// identity, since who followed the old one cannot go on where he was.
func Restore(ctx context.Context, path string, schema int64, log string, part io.Reader) (err error) {
	_, target, err := Status(ctx, ":memory:")
	if err != nil {
		return err
	}
	if schema > target {
		return fmt.Errorf("sqlite: the backup is of schema %d, this program knows %d: restore it with a newer version", schema, target)
	}
	if _, err := os.Stat(path); err == nil {
		return ErrNotEmpty
	}
	making := path + ".restoring"
	defer func() { err = errors.Join(err, remove(making, making+"-wal", making+"-shm")) }()
	if err := write(making, part); err != nil {
		return wrap("restore", err)
	}
	err = beside(making, func(db *sql.DB) error {
		for _, change := range []string{
			`UPDATE users SET node = NULL`, `UPDATE sessions SET node = NULL`, `UPDATE projects SET node = NULL`,
		} {
			if _, err := db.ExecContext(ctx, change); err != nil {
				return err
			}
		}
		_, err := db.ExecContext(ctx, `UPDATE installation SET log = ?`, log)
		return err
	})
	if err != nil {
		return wrap("restore", err)
	}
	return wrap("restore", errors.Join(os.Rename(making, path), flush(filepath.Dir(path))))
}

// write makes a file, whole and on the disk.
func write(path string, content io.Reader) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Sync(), file.Close())
}

func remove(paths ...string) (all error) {
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			all = errors.Join(all, err)
		}
	}
	return all
}

// flush puts the names in a directory on the disk.
func flush(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
