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
	if _, err := os.Stat(path); os.IsNotExist(err) {
		if err = os.MkdirAll(path, 0o700); err == nil {
			err = flushDirectory(filepath.Dir(path))
		}
		if err != nil {
			return nil, fmt.Errorf("the data directory cannot be made: %w", err)
		}
	}
	file, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the data directory cannot be locked: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(file.Name())
		file.Close()
		return nil, fmt.Errorf("the data directory %s is %w by process %s", path, errInUse, strings.TrimSpace(string(holder)))
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
		_ = syscall.Flock(int(d.lock.Fd()), syscall.LOCK_UN) // a child that is being started may still hold the file
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
		err = keep(file, name)
	}
	return strings.TrimSpace(string(name)), err
}

// keep writes a new file of the data directory, whole and on the disk before
// anything that depends on it: without the master key the database cannot be
// read.
func keep(path string, content []byte) error {
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return flushDirectory(filepath.Dir(path))
}

// flushDirectory puts the names in a directory on the disk.
func flushDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

func freshName() string { return "node-" + uuid.NewString()[:8] }
