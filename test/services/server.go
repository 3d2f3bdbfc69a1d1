package services

import (
	"syscall"
	"testing"
)

// password is that of every service here.
const password = "private"

// server is what all servers have in common: a folder, a port and a process
// that may end and come back.
type server struct {
	name   string
	folder *folder
	port   int
	p      *process
	boot   func() error   // starts the process on what the folder holds and waits until it is ready
	quit   syscall.Signal // asks the process to end in order
}

func newServer(name string, quit syscall.Signal) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	f, err := newFolder(name)
	return &server{name: name, folder: f, port: port, quit: quit}, err
}

// start boots a new server, and leaves nothing where that fails.
func (s *server) start() error {
	err := s.boot()
	if err != nil {
		s.Stop()
	}
	return err
}

// PID is that of the server's first process, as we see it; the server's own view
// (pg_backend_pid) may be that of a namespace.
func (s *server) PID() int { return s.p.cmd.Process.Pid }

// Crash kills the whole server without a warning. What it had confirmed stays.
func (s *server) Crash() { s.p.kill() }

// Restart starts the server again, on the same port and data, after Crash or
// Shutdown.
func (s *server) Restart(t testing.TB) {
	t.Helper()
	must(t, s.boot())
}

// Shutdown ends the server in order; its data stays.
func (s *server) Shutdown() { s.p.end(s.quit) }

// Freeze stops all of the server's processes: connections stay open, and
// nothing answers. Thaw lets it go on.
func (s *server) Freeze() { s.p.signal(syscall.SIGSTOP) }

// Thaw ends a Freeze.
func (s *server) Thaw() { s.p.signal(syscall.SIGCONT) }

// Log is the end of what the server has said since it was last started.
func (s *server) Log() string { return s.p.log.String() }

// Stop ends the server and removes its data.
func (s *server) Stop() {
	s.p.kill()
	s.folder.remove()
}

// own ties a server to a test, which shows the server's last words if it fails.
func own(t testing.TB, s *server) {
	t.Cleanup(func() {
		if t.Failed() && s.p != nil {
			log := s.Log()
			t.Logf("the last words of %s on port %d:\n%s", s.name, s.port, log[max(0, len(log)-2<<10):])
		}
		s.Stop()
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
