package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// control is the socket on which a running cluster is told to cut a node's
// network or to heal it: one line, answered with nothing when it is done.
var control = filepath.Join(logs, "control")

// order is what came over the socket.
type order struct {
	verb, node string
	answer     chan error
}

// listen takes orders until the process ends. A socket that is there is that of
// a cluster that was killed: two would not share the balancer's port.
func listen(orders chan<- order) error {
	_ = os.Remove(control)
	l, err := net.Listen("unix", control)
	if err != nil {
		return err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go take(conn, orders)
		}
	}()
	return nil
}

func take(conn net.Conn, orders chan<- order) {
	defer conn.Close()
	o := order{answer: make(chan error)}
	if _, err := fmt.Fscanln(conn, &o.verb, &o.node); err != nil {
		return
	}
	orders <- o
	if err := <-o.answer; err != nil {
		fmt.Fprintln(conn, err)
	}
}

// tell sends an order to the cluster that runs in this folder.
func tell(verb, node string) error {
	conn, err := net.Dial("unix", control)
	if err != nil {
		return fmt.Errorf("no cluster runs in this folder (make cluster starts one): %w", err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintln(conn, verb, node); err != nil {
		return err
	}
	answer, err := io.ReadAll(conn)
	if text := strings.TrimSpace(string(answer)); err == nil && text != "" {
		err = errors.New(text)
	}
	return err
}
