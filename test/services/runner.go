package services

import (
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"path/filepath"
	"sync"
	"time"
)

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
			if err == nil && service != "template" {
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

// held is the runner of this process, if it holds a run.
var held *runner

// hold makes this process the holder of a run. Others ask it over the socket,
// until stop ends all services and takes away what is left of them and of test
// binaries that were killed.
func hold() (socket string, stop func(), err error) {
	f, err := newFolder("run")
	if err != nil {
		return "", nil, err
	}
	socket = filepath.Join(f.path, "socket")
	l, err := net.Listen("unix", socket)
	if err != nil {
		return "", nil, err
	}
	held = &runner{started: map[string]func() (share, error){}}
	s := rpc.NewServer()
	go s.Accept(l) // until the process ends
	return socket, func() {
		held.stop()
		sweep()
		f.remove()
	}, s.RegisterName("Run", held)
}
