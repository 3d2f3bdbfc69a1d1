package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/google/uuid"
)

type serveCommand struct {
	settings
}

// Run serves until it is told to stop: SIGTERM drains and exits 0. A second one
// ends the wait for balancers.
func (c *serveCommand) Run(ctx context.Context) error {
	began := time.Now()
	uuid.EnableRandPool() // ids are no secrets
	defer runtime.KeepAlive(growHeap())
	log := c.logger()
	s, err := start(ctx, c.settings, log)
	if err != nil {
		return err
	}
	c.banner(os.Stderr, s, time.Since(began))
	debug.FreeOSMemory() // what starting took is not needed any more
	s.background(restHeap)
	select {
	case <-ctx.Done():
		log.Info("stopping: requests in flight are answered first", "wait", c.DrainWait)
	case err = <-s.failed:
		log.Error("a listener failed", "error", err)
	}
	signal.Notify(s.hurry, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(s.hurry)
	if stopped := s.stop(); stopped != nil {
		log.Error("not everything stopped in time", "error", stopped)
		return stopped
	}
	log.Info("stopped")
	return err
}

// banner tells a newcomer where things are and what comes next.
func (c *serveCommand) banner(w io.Writer, s *server, took time.Duration) {
	api, ops := c.scheme()+reachable(s.api.Addr().String()), "http://"+reachable(s.ops.Addr().String())
	fmt.Fprintf(w, `
  Atelier %s is ready after %d ms (%s)

    client      %s, for browsers
    API         %s/api/v1
    reference   %s/docs, %s/openapi.json, %s/problems
    health      %s/readyz
    operations  %s
    data        %s
    stop        Ctrl-C; requests in flight are answered first
`, version, took.Milliseconds(), c.Env, api, api, api, api, api, api, ops, c.place())
	if s.NoAdmin {
		fmt.Fprintf(w, `
  There is no administrator yet. This makes one, from another shell; it asks for the password:
    %s user create --email you@example.com --name You --admin --password-stdin%s
`, typed(os.Args[0]), c.sameData())
	}
	if c.MasterKey == "" && !c.embedded() {
		fmt.Fprint(w, `
  Secrets are sealed with the key for development. Set ATELIER_MASTER_KEY before this holds real data.
`)
	}
	fmt.Fprintln(w)
}

// typed is how this one was called, in words that work again.
func typed(called string) string {
	if strings.Contains(called, string(filepath.Separator)+"go-build") {
		return "go run ./cmd/atelier"
	}
	return quoted(called)
}

// quoted is a word as it is typed into a shell.
func quoted(word string) string {
	if strings.IndexFunc(word, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+,:@%", r)
	}) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// sameData is what another command needs to find the data of this server.
func (s *storeSettings) sameData() string {
	if !s.embedded() {
		return "\n    (with ATELIER_DATABASE_URL set as for this server)"
	}
	if usual, err := filepath.Abs("data"); err == nil && s.DataDir == usual {
		return ""
	}
	return " --data-dir " + quoted(s.DataDir)
}
