package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

type serveCommand struct {
	settings
}

// Run serves until it is told to stop: SIGTERM drains and exits 0.
func (c *serveCommand) Run(ctx context.Context) error {
	began := time.Now()
	log := c.logger()
	s, err := start(ctx, c.settings, log)
	if err != nil {
		return err
	}
	c.banner(os.Stderr, s, time.Since(began))
	select {
	case <-ctx.Done():
		log.Info("stopping: requests in flight are answered first")
	case err = <-s.failed:
		log.Error("a listener failed", "error", err)
	}
	if stopped := s.stop(); stopped != nil {
		log.Error("not everything stopped in time", "error", stopped)
		return stopped
	}
	log.Info("stopped")
	return err
}

func (c *serveCommand) banner(w io.Writer, s *server, took time.Duration) {
	api, ops := "http://"+s.api.Addr().String(), "http://"+s.ops.Addr().String()
	fmt.Fprintf(w, `
  Atelier %s is ready after %d ms (%s)

    API         %s/api/v1
    OpenAPI     %s/openapi.json
    health      %s/readyz   (operations: %s)
    data        %s
`, version, took.Milliseconds(), c.Env, api, api, api, ops, c.place())
	if s.NoAdmin {
		fmt.Fprint(w, `
  There is no administrator yet. Make one with:
    atelier user create --email you@example.com --name You --admin --password-stdin
`)
	}
	if c.MasterKey == "" && !c.embedded() {
		fmt.Fprint(w, `
  Secrets are sealed with the key for development. Set ATELIER_MASTER_KEY before this holds real data.
`)
	}
	fmt.Fprintln(w)
}
