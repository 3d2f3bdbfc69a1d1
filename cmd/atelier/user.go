package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"time"

	"atelier/actors"
	"atelier/actors/store"
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
	secret, err := readPassword(ctx)
	if err != nil {
		return err
	}
	account, err := c.create(ctx, newUser{Email: c.Email, Name: c.Name, Password: secret, Admin: c.Admin})
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

// readPassword reads a line from standard input. A person at a terminal is asked
// for it and does not see it.
func readPassword(ctx context.Context) (string, error) {
	if info, err := os.Stdin.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && terminal("-echo") == nil {
		fmt.Fprintf(os.Stderr, "Password, at least %d characters: ", password.MinLength)
		defer func() {
			_ = terminal("echo")
			fmt.Fprintln(os.Stderr)
		}()
	}
	type read struct {
		line string
		err  error
	}
	done := make(chan read, 1)
	go func() {
		line, err := bufio.NewReader(io.LimitReader(os.Stdin, 4096)).ReadString('\n')
		done <- read{strings.TrimRight(line, "\r\n"), err}
	}()
	select {
	case r := <-done:
		if r.err != nil && !errors.Is(r.err, io.EOF) {
			return "", fmt.Errorf("the password cannot be read: %w", r.err)
		}
		return r.line, nil
	case <-ctx.Done():
		return "", errors.New("interrupted")
	}
}

// terminal changes the terminal by stty, which is wherever there is one.
func terminal(mode string) error {
	cmd := exec.Command("stty", mode)
	cmd.Stdin = os.Stdin
	return cmd.Run()
}

func (c *createUserCommand) create(ctx context.Context, u newUser) (*messages.Account, error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s := &server{log: log}
	if c.embedded() {
		held, err := holdDirectory(c.DataDir)
		if errors.Is(err, errInUse) {
			answer, err := askAdmin(ctx, c.DataDir, adminOrder{User: &u})
			if err != nil {
				return nil, err
			}
			return answer.Account, nil
		}
		if err != nil {
			return nil, err
		}
		s.onStop(func(context.Context) error { held.release(); return nil })
	}
	defer func() { _ = s.stop() }()
	db, err := c.openStore(ctx, s, "")
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

// noHints: nobody listens to a command that ends with its first change.
type noHints struct{}

func (noHints) Committed(store.Kind, string, []messages.Event) {}
