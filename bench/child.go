package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"atelier/test/services"
)

// child is a process that answers on an address.
type child struct {
	cmd     *exec.Cmd
	address string
	ops     string // of the program's operations listener
	log     *os.File
	ready   time.Duration // from its start to its first answer
	ended   chan struct{}
}

// serve starts the program on a database; without one it is embedded. Further
// settings go before the bench's own.
func (r *rig) serve(ctx context.Context, database string, settings ...string) (*child, error) {
	api, err := services.Address()
	if err != nil {
		return nil, err
	}
	ops, err := services.Address()
	if err != nil {
		return nil, err
	}
	data, err := os.MkdirTemp(r.dir, "data")
	if err != nil {
		return nil, err
	}
	env := append([]string{"ATELIER_HTTP_ADDR=" + api, "ATELIER_OPS_ADDR=" + ops, "ATELIER_DATA_DIR=" + data,
		"ATELIER_DATABASE_URL=" + database, "ATELIER_LOG_LEVEL=warn", "ATELIER_RATE_LIMITS=off"}, settings...)
	c, err := r.start(ctx, api, "/readyz", env, r.binary, "serve")
	if err == nil {
		c.ops = ops
	}
	return c, err
}

// start runs a program until it is stopped, or the rig is closed, and waits until
// it answers on the path.
func (r *rig) start(ctx context.Context, address, path string, env []string, program string, arguments ...string) (*child, error) {
	c := &child{cmd: exec.Command(program, arguments...), address: address, ended: make(chan struct{})}
	var err error
	if c.log, err = os.CreateTemp(r.dir, "log"); err != nil {
		return nil, err
	}
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	began := time.Now()
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = c.cmd.Wait(); close(c.ended) }()
	r.onClose(c.stop)
	for deadline := began.Add(patience); ; time.Sleep(time.Millisecond) {
		code, _, err := fasthttp.GetTimeout(nil, "http://"+address+path, time.Second)
		if err == nil && code == fasthttp.StatusOK {
			c.ready = time.Since(began)
			return c, nil
		}
		select {
		case <-c.ended:
			return nil, fmt.Errorf("%s ended:\n%s", filepath.Base(program), c.said())
		case <-ctx.Done():
			return nil, ctx.Err()
		default:
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%s does not answer:\n%s", filepath.Base(program), c.said())
		}
	}
}

// stop asks the process to end and waits for it. It may be called again.
func (c *child) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(patience):
		_ = c.cmd.Process.Kill()
		<-c.ended
	}
	c.log.Close()
}

func (c *child) pids() []int { return []int{c.cmd.Process.Pid} }

// said is the end of the process's log.
func (c *child) said() string {
	text, _ := os.ReadFile(c.log.Name())
	return strings.TrimSpace(string(text[max(0, len(text)-2000):]))
}

// signIn opens a session for a person.
func (c *child) signIn(p *person) error {
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	err := c.ask("POST", "/api/v1/auth/login", "", fmt.Sprintf(`{"email":%q,"password":%q}`, p.email, passphrase), &tokens)
	p.token, p.refresh = tokens.Access, tokens.Refresh
	return err
}

// ask sends one request outside of any measurement.
func (c *child) ask(method, path, token, body string, into any) error {
	request, response := &fasthttp.Request{}, &fasthttp.Response{}
	fill(request, method, path, token)
	request.SetRequestURI("http://" + c.address + path)
	if body != "" {
		request.SetBodyString(body)
	}
	if err := fasthttp.DoTimeout(request, response, patience); err != nil {
		return err
	}
	if response.StatusCode() > 299 {
		return errors.New(method + " " + path + ": " + string(response.Body()))
	}
	return json.Unmarshal(response.Body(), into)
}
