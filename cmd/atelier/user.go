package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"atelier/actors"
	"atelier/identity"
	"atelier/identity/password"
	"atelier/messages"
)

type userCommand struct {
	Create createUserCommand `cmd:"" help:"Create a user, on a running installation or a stopped one."`
}

type createUserCommand struct {
	storeSettings
	Email         string `help:"E-mail address." required:""`
	Name          string `help:"Name." required:""`
	PasswordStdin bool   `help:"Read the password from standard input, one line." required:""`
	Admin         bool   `help:"Let the user administer the installation."`
}

// Run creates the user through the running server where the database is
// embedded and in use, else on the database itself.
func (c *createUserCommand) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	line, err := bufio.NewReader(io.LimitReader(os.Stdin, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("the password cannot be read: %w", err)
	}
	request := newUser{Email: c.Email, Name: c.Name, Password: strings.TrimRight(line, "\r\n"), Admin: c.Admin}
	account, err := c.create(ctx, request)
	if err != nil {
		var refused *messages.Error
		if errors.As(err, &refused) {
			return errors.New(refused.GetMessage())
		}
		return err
	}
	fmt.Printf("created %s %s (%s)\n", account.GetId(), account.GetEmail(), strings.Join(account.GetRoles(), ", "))
	return nil
}

func (c *createUserCommand) create(ctx context.Context, u newUser) (*messages.Account, error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s := &server{log: log}
	if c.embedded() {
		held, err := holdDirectory(c.DataDir)
		if errors.Is(err, errInUse) {
			return askAdmin(ctx, c.DataDir, u)
		}
		if err != nil {
			return nil, err
		}
		s.onStop(func(context.Context) error { held.release(); return nil })
	}
	defer func() { _ = s.stop() }()
	db, err := c.openStore(ctx, s)
	if err != nil {
		return nil, err
	}
	s.onStop(func(context.Context) error { db.close(); return nil })
	runtime := actors.New(actors.DefaultConfig(), actors.Deps{
		Node: freshName(), Lease: lockLease{}, Barrier: noBarrier{}, Hints: noHints{}, Log: log,
	}, db)
	actors.AddAccounts(runtime, db.Accounts())
	s.onStop(runtime.Stop)
	return u.register(ctx, identity.New(identity.Config{}, identity.Deps{
		Accounts: actors.NewAccounts(actors.NewLocal(runtime)), Policy: password.Check,
		Passwords: password.NewHasher(password.DefaultParams(), 1, 1), Now: time.Now,
	}))
}

// noBarrier: a process without listeners has validated nothing.
type noBarrier struct{}

func (noBarrier) Revoke(_ []messages.Mark, done func()) { done() }

// newUser is what the administration makes a user from.
type newUser struct {
	Email    string `json:"email"`
	Name     string `json:"name"`
	Password string `json:"password"`
	Admin    bool   `json:"admin"`
}

func (u newUser) register(ctx context.Context, flows *identity.Service) (*messages.Account, error) {
	var roles []string
	if u.Admin {
		roles = []string{"admin"}
	}
	return flows.RegisterWithRoles(ctx, &messages.Meta{}, identity.Registration{Email: u.Email, Name: u.Name, Password: u.Password}, roles...)
}
