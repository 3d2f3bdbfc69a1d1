package services

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// folder is a directory of a server. While its maker lives, and no longer, it
// holds the lock on it: by that others know what to sweep.
type folder struct {
	path string
	lock *os.File
}

const prefix = "atelier-services-"

// newFolder makes a directory that the children may write to.
func newFolder(pattern string) (*folder, error) {
	var f *folder
	sweepOnce.Do(sweep)
	err := exclusively(func() error {
		path, err := os.MkdirTemp("", prefix+pattern+"-")
		if err != nil {
			return err
		}
		if err := os.Chmod(path, 0o755); err != nil {
			return err
		}
		if c := nobody(); c != nil {
			if err := os.Chown(path, int(c.Uid), int(c.Gid)); err != nil {
				return err
			}
		}
		lock, err := flock(path, syscall.LOCK_EX|syscall.LOCK_NB)
		f = &folder{path, lock}
		return err
	})
	return f, err
}

func (f *folder) remove() {
	unmount(f.path)
	os.RemoveAll(f.path)
	f.lock.Close()
}

// exclusively runs f while no other process of this user does: installing,
// making folders and sweeping must not meet.
func exclusively(f func() error) error {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("%slock-%d", prefix, os.Geteuid()))
	if file, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600); err != nil {
		return err
	} else if err := file.Close(); err != nil {
		return err
	}
	lock, err := flock(path, syscall.LOCK_EX)
	if err != nil {
		return err
	}
	defer lock.Close()
	return f()
}

func flock(path string, how int) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("services: lock %s: %w", path, err)
	}
	return f, nil
}

var sweepOnce sync.Once

// sweep removes the folders and networks that killed processes have left, and
// ends what still runs in one: without namespaces, a server's children that were stopped outlive
// it.
func sweep() {
	_ = exclusively(func() error {
		sweepNetworks()
		left, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
		for _, path := range left {
			if info, err := os.Stat(path); err != nil || !info.IsDir() {
				continue
			}
			lock, err := flock(path, syscall.LOCK_EX|syscall.LOCK_NB)
			if err != nil {
				continue // its maker lives
			}
			for _, pid := range within(path) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			unmount(path)
			os.RemoveAll(path)
			lock.Close()
		}
		return nil
	})
}

// within are the processes whose working directory is in a folder: that of every
// server is.
func within(path string) []int {
	var found []int
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		cwd, err := os.Readlink(link)
		if err == nil && strings.HasPrefix(cwd+"/", path+"/") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(link)))
			found = append(found, pid)
		}
	}
	return found
}

// freePort is a port for this process alone. It lies below those that the kernel
// gives to outgoing connections, so that a server that is restarted finds it
// free, and an abstract socket of the same number, which ends with the process,
// keeps others of our kind from taking it.
func freePort() (int, error) {
	for range 1000 {
		port := 12000 + rand.IntN(20000)
		name, err := net.Listen("unix", fmt.Sprintf("@%sport-%d", prefix, port))
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			name.Close()
			continue
		}
		reserved.Store(port, name)
		return port, l.Close()
	}
	return 0, errors.New("services: no free port")
}

// Address is 127.0.0.1 with a port for this process, and what it starts, alone.
// The port stays free while nobody listens on it, through restarts too.
func Address() (string, error) {
	port, err := freePort()
	return fmt.Sprintf("127.0.0.1:%d", port), err
}

// FreeAddress is an Address for a test.
func FreeAddress(t testing.TB) string {
	t.Helper()
	address, err := Address()
	must(t, err)
	return address
}

// reserved keeps the names of ports reachable, and so open.
var reserved sync.Map
