package services

import (
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// socketVariable is the environment variable with the socket of the run.
const socketVariable = "ATELIER_TEST_SERVICES"

// share is a service of which many tests have a part each.
type share interface {
	take(name string) (address string, err error)
	drop(name string) error
	Stop()
}

func open(service string) (share, error) {
	switch service {
	case "template":
		return newTemplate()
	case "postgres":
		return StartPostgres()
	case "redis":
		return StartRedis()
	case "rabbitmq":
		return StartRabbitMQ()
	default:
		return nil, fmt.Errorf("services: there is no %q", service)
	}
}

// runner owns the shared services of a run and starts each when it is first
// asked for.
type runner struct {
	mu      sync.Mutex
	taken   int                              // parts given out so far
	started map[string]func() (share, error) // by service; blocks until it runs
	stopped bool
}

func newRunner() *runner { return &runner{started: map[string]func() (share, error){}} }

// Part is a test's part of a service. It and the runner's methods that say so
// are exported for net/rpc.
type Part struct{ Service, Name, Address string }

// Take gives out a fresh part of a service. Exported for net/rpc.
func (r *runner) Take(service string, p *Part) error {
	s, number, err := r.share(service)
	if err != nil {
		return err
	}
	p.Service, p.Name = service, fmt.Sprintf("t%d", number)
	p.Address, err = s.take(p.Name)
	return err
}

// Drop takes a part back. Exported for net/rpc.
func (r *runner) Drop(p Part, _ *struct{}) error {
	s, _, err := r.share(p.Service)
	if err != nil {
		return err
	}
	return s.drop(p.Name)
}

// share is a running service, started where this is the first to ask for it,
// and a number that nobody else got.
func (r *runner) share(service string) (share, int, error) {
	r.mu.Lock()
	if r.stopped {
		r.mu.Unlock()
		return nil, 0, errors.New("services: the run has ended")
	}
	if r.started[service] == nil {
		r.started[service] = sync.OnceValues(func() (share, error) {
			began := time.Now()
			s, err := open(service)
			if err == nil {
				say("%s is ready after %.1f s", service, time.Since(began).Seconds())
			}
			return s, err
		})
	}
	wait := r.started[service]
	r.taken++
	number := r.taken
	r.mu.Unlock()
	s, err := wait()
	return s, number, err
}

// stop ends all that was started.
func (r *runner) stop() {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	for _, wait := range r.started {
		if s, err := wait(); err == nil {
			s.Stop()
		}
	}
}

// serve lets other processes ask the runner over a socket in the folder.
func (r *runner) serve(f *folder) (socket string, err error) {
	socket = filepath.Join(f.path, "socket")
	l, err := net.Listen("unix", socket)
	if err != nil {
		return "", err
	}
	s := rpc.NewServer()
	go s.Accept(l) // until the process ends
	return socket, s.RegisterName("Run", r)
}

// take is a part of a service for a test, dropped with it.
func take(t testing.TB, service string) (address string) {
	t.Helper()
	var p Part
	must(t, request("Take", service, &p))
	t.Cleanup(func() { must(t, request("Drop", p, new(struct{}))) })
	return p.Address
}

// ask is the address of what a service gives out to all alike.
func ask(service string) (address string, err error) {
	var p Part
	err = request("Take", service, &p)
	return p.Address, err
}

// alone is the runner of a process that has no run around it.
var alone = sync.OnceValue(newRunner)

// request goes to the run around this process where there is one.
func request(method string, arg, reply any) error {
	socket := os.Getenv(socketVariable)
	if socket == "" {
		switch arg := arg.(type) {
		case string:
			return alone().Take(arg, reply.(*Part))
		default:
			return alone().Drop(arg.(Part), nil)
		}
	}
	endWithParent(syscall.SIGKILL)
	c, err := rpc.Dial("unix", socket)
	if err != nil {
		return fmt.Errorf("services: the run around this test is gone: %w", err)
	}
	defer c.Close()
	return c.Call("Run."+method, arg, reply)
}

// endWithParent has the kernel send this process a signal when its parent ends.
// With it a run that is killed takes down the command that it runs, that command
// the test binaries, and each of those the servers of its own.
func endWithParent(s syscall.Signal) {
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(s), 0)
}
