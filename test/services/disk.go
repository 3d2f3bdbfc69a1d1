package services

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// ErrNoDisks is why a server cannot have a disk of its own: that takes root, with the
// right to mount one.
var ErrNoDisks = errors.New("services: disks that can be filled need root, with the right to mount them")

// SmallPostgres is OwnPostgres on a disk of its own, in memory, that Fill can fill.
func SmallPostgres(t testing.TB) (*PostgresServer, error) {
	t.Helper()
	s, err := startPostgres(func(s *PostgresServer) error {
		options := fmt.Sprintf("size=%dm,mode=0700,uid=%d,gid=%d", smallDisk, os.Geteuid(), os.Getegid())
		if c := nobody(); c != nil {
			options = fmt.Sprintf("size=%dm,mode=0700,uid=%d,gid=%d", smallDisk, c.Uid, c.Gid)
		}
		if err := os.Mkdir(s.data(), 0o755); err != nil {
			return err
		}
		if err := syscall.Mount("tmpfs", s.data(), "tmpfs", 0, options); err != nil {
			return fmt.Errorf("%w: %w", ErrNoDisks, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	own(t, s.server)
	must(t, execute(s.URL("postgres"), "CREATE DATABASE test"))
	must(t, execute(s.URL("postgres"), "ALTER SYSTEM SET max_wal_size = '64MB'"))
	must(t, execute(s.URL("postgres"), "SELECT pg_reload_conf()"))
	return s, nil
}

// smallDisk is its size in MiB.
const smallDisk = 256

// unmount takes away the disk of a server, where it had one.
func unmount(folder string) { _ = syscall.Unmount(filepath.Join(folder, "data"), syscall.MNT_DETACH) }

func (s *PostgresServer) filler() string { return filepath.Join(s.data(), "filler") }

// Fill leaves no room on the server's disk.
func (s *PostgresServer) Fill(t testing.TB) {
	t.Helper()
	file, err := os.Create(s.filler())
	must(t, err)
	defer file.Close()
	for part := make([]byte, 1<<20); len(part) > 0; {
		if _, err := file.Write(part); errors.Is(err, syscall.ENOSPC) {
			part = part[:len(part)/2]
		} else {
			must(t, err)
		}
	}
}

// MakeRoom ends a Fill. The server is started again: it may have ended itself.
func (s *PostgresServer) MakeRoom(t testing.TB) {
	t.Helper()
	must(t, os.Remove(s.filler()))
	s.Crash()
	s.Restart(t)
}
