package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	httpd "atelier/http"
	"atelier/messages"
)

// The administration socket of an embedded installation: whoever may write to
// the data directory may administer it. One JSON object in, one out.

const (
	adminWait     = 15 * time.Second
	maxSocketPath = 103 // bytes; of macOS, Linux has a few more
)

// adminOrder has one of them.
type adminOrder struct {
	User *newUser  `json:"user,omitempty"`
	Keys *keyOrder `json:"keys,omitempty"`
}

type adminAnswer struct {
	Account *messages.Account `json:"account,omitempty"`
	Keys    *keyReport        `json:"keys,omitempty"`
	Error   *messages.Error   `json:"error,omitempty"`
}

func adminSocket(dataDir string) string { return filepath.Join(dataDir, "admin.sock") }

// serveAdmin answers on the socket until the node stops.
func (s *server) serveAdmin(dataDir string) error {
	path := adminSocket(dataDir)
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) { // of a run that was killed
		return fmt.Errorf("the administration socket cannot be opened: %w", err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("the administration socket cannot be opened: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	var open sync.WaitGroup
	patient := httpd.Patient(listener, s.log)
	open.Go(func() {
		for {
			conn, err := patient.Accept()
			if err != nil {
				return
			}
			open.Go(func() { s.administer(conn) })
		}
	})
	s.onStop(func(context.Context) error {
		err := listener.Close()
		open.Wait()
		return err
	})
	return nil
}

func (s *server) administer(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(adminWait))
	ctx, cancel := context.WithTimeout(context.Background(), adminWait)
	defer cancel()
	var order adminOrder
	if err := json.NewDecoder(conn).Decode(&order); err != nil {
		return
	}
	var answer adminAnswer
	var err error
	switch {
	case order.User != nil:
		answer.Account, err = order.User.register(ctx, s.Flows)
	case order.Keys != nil:
		answer.Keys, err = s.keys(ctx, order.Keys)
	default:
		err = messages.Refuse(messages.CodeValidationFailed, "the server does not know this command: it may be of an older version")
	}
	if err != nil && !errors.As(err, &answer.Error) {
		s.log.Error("a command of the administration failed", "error", err)
		answer.Error = messages.Refuse(messages.CodeInternal, "the server could not do it; its log says why")
	}
	_ = json.NewEncoder(conn).Encode(answer)
}

// askAdmin has the running server carry out an order.
func askAdmin(ctx context.Context, dataDir string, order adminOrder) (*adminAnswer, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", adminSocket(dataDir))
	if err != nil {
		return nil, fmt.Errorf("the running server cannot be reached through the data directory: %w", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(adminWait))
	if err := json.NewEncoder(conn).Encode(order); err != nil {
		return nil, err
	}
	answer := &adminAnswer{}
	if err := json.NewDecoder(conn).Decode(answer); err != nil {
		return nil, fmt.Errorf("the running server did not answer: %w", err)
	}
	if answer.Error != nil {
		return nil, answer.Error
	}
	return answer, nil
}
