package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/google/uuid"
)

// directory is the data directory, held by this process.
type directory struct {
	path string
	lock *os.File
}

var errInUse = errors.New("in use")

// holdDirectory makes the directory and locks it against other processes.
func holdDirectory(path string) (*directory, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("the data directory cannot be made: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the data directory cannot be locked: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(file.Name())
		file.Close()
		return nil, fmt.Errorf("the data directory %s is %w by process %s; give this one another with ATELIER_DATA_DIR", path, errInUse, strings.TrimSpace(string(holder)))
	}
	if err = file.Truncate(0); err == nil {
		_, err = fmt.Fprintln(file, os.Getpid())
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("the data directory cannot be locked: %w", err)
	}
	return &directory{path: path, lock: file}, nil
}

func (d *directory) release() {
	if d != nil {
		d.lock.Close()
	}
}

// nodeName is the node's name, made once and kept in the directory: after a
// restart the node may take up at once what it held.
func (d *directory) nodeName() (string, error) {
	file := filepath.Join(d.path, "node")
	name, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		name = []byte(freshName())
		err = os.WriteFile(file, name, 0o600)
	}
	return strings.TrimSpace(string(name)), err
}

func freshName() string { return "node-" + uuid.NewString()[:8] }
