package main

import (
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestNodeNamesAreUnique: a second process is not let in under a name that is in
// use, and one that is started anew is at once.
func TestNodeNamesAreUnique(t *testing.T) {
	t.Parallel()
	store := engines["postgres"](t)
	elsewhere := storeSettings{DataDir: t.TempDir(), DatabaseURL: store.DatabaseURL}
	named := func(store storeSettings, name string) (*server, error) {
		s, err := start(t.Context(), settings{
			Env: "development", HTTPAddr: "127.0.0.1:0", OpsAddr: "127.0.0.1:0", PublicURL: "http://atelier.test", Verification: "off",
			NodeName: name, storeSettings: store,
		}, slog.New(slog.NewTextHandler(io.Discard, nil)))
		if err == nil { // listeners that nobody has asked yet may miss that they are stopped
			(&client{t: t, base: "http://" + s.ops.Addr().String()}).do("GET", "/livez", nil).want(t, 200)
			(&client{t: t, base: "http://" + s.api.Addr().String()}).do("GET", "/livez", nil).want(t, 200)
		}
		return s, err
	}
	one, err := named(store, "n1")
	require.NoError(t, err)
	stop := func() { require.NoError(t, one.stop()) }
	defer func() { stop() }()
	_, err = named(store, "n2")
	require.ErrorContains(t, err, "in use", "a name needs a directory of its own")
	unnamed, err := named(store, "")
	require.NoError(t, err, "without one, a name is made up")
	require.NoError(t, unnamed.stop())
	_, err = named(elsewhere, "n1")
	require.ErrorContains(t, err, "another process is node n1")

	stop()
	began := time.Now()
	one, err = named(elsewhere, "n1")
	require.NoError(t, err, "it was given up")
	t.Logf("started anew within %v", time.Since(began))
}
