package sqlite

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// ErrInUse says that another process holds the database.
var ErrInUse = errors.New("in use")

// lock keeps other processes away from a database. Claims rest on it: the row
// of an entity that is live in another process would be taken without a word.
// It is a file beside the database, since closing any descriptor of the
// database itself would drop the locks that SQLite holds on it.
type lock struct{ file *os.File }

// hold locks the database, which need not exist yet. The lock ends with the
// process, however that ends.
func hold(path string) (*lock, error) {
	file, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, wrap("lock", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(file.Name())
		file.Close()
		return nil, fmt.Errorf("the database %s is %w by process %s", path, ErrInUse, strings.TrimSpace(string(holder)))
	}
	if err = file.Truncate(0); err == nil {
		_, err = fmt.Fprintln(file, os.Getpid())
	}
	if err == nil {
		err = create(path)
	}
	if err != nil {
		file.Close()
		return nil, wrap("lock", err)
	}
	return &lock{file}, nil
}

// create makes an empty database that nobody else can read: it will hold the
// hashes of passwords. SQLite gives its other files the same permissions.
func create(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// release unlocks by name: closing alone would leave the lock to a child process
// that is just being started and has not let go of the file yet.
func (l *lock) release() {
	_ = syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN)
	l.file.Close()
}
