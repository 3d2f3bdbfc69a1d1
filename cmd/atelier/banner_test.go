package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheBannerSaysWhatComesNext(t *testing.T) {
	t.Parallel()
	s := &server{NoAdmin: true}
	for _, l := range []*net.Listener{&s.api, &s.ops} {
		var err error
		*l, err = net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { (*l).Close() })
	}
	usual, err := filepath.Abs("data")
	require.NoError(t, err)
	show := func(store storeSettings) string {
		var b strings.Builder
		c := serveCommand{settings{Env: "development", storeSettings: store}}
		c.banner(&b, s, time.Second)
		return b.String()
	}

	text := show(storeSettings{DataDir: usual})
	require.Contains(t, text, "http://"+s.api.Addr().String()+"/api/v1\n")
	require.Contains(t, text, "http://"+s.ops.Addr().String()+"\n")
	require.Contains(t, text, filepath.Join(usual, "atelier.db"))
	require.Contains(t, text, "user create --email you@example.com --name You --admin --password-stdin\n")
	require.NotContains(t, text, "ATELIER_MASTER_KEY")
	require.Contains(t, show(storeSettings{DataDir: "/srv/atelier"}), "--password-stdin --data-dir /srv/atelier\n")

	text = show(storeSettings{DatabaseURL: "postgres://atelier:hidden@db/atelier?password=hidden"})
	require.NotContains(t, text, "hidden")
	require.Contains(t, text, "postgres://db:5432/atelier\n")
	require.Contains(t, text, "with ATELIER_DATABASE_URL set as for this server")
	require.Contains(t, text, "Set ATELIER_MASTER_KEY before this holds real data")

	text = show(storeSettings{DataDir: "/srv/Ada's data"})
	require.Contains(t, text, `--password-stdin --data-dir '/srv/Ada'\''s data'`+"\n")

	s.NoAdmin = false
	require.NotContains(t, show(storeSettings{DataDir: usual}), "user create")
}

// TestTheBannersAddressesCanBeAsked: a listener on all addresses is shown as one.
func TestTheBannersAddressesCanBeAsked(t *testing.T) {
	t.Parallel()
	everywhere, err := net.Listen("tcp", ":0")
	require.NoError(t, err)
	defer everywhere.Close()
	_, port, err := net.SplitHostPort(everywhere.Addr().String())
	require.NoError(t, err)
	var b strings.Builder
	(&serveCommand{}).banner(&b, &server{api: everywhere, ops: everywhere}, time.Second)
	require.Contains(t, b.String(), "http://localhost:"+port+"/api/v1\n")
	require.Contains(t, b.String(), "client      http://localhost:"+port+",")
	require.Contains(t, b.String(), "operations  http://localhost:"+port+"\n")
	require.NotContains(t, b.String(), "[::]")
}

func TestTheProgramIsCalledAsItWas(t *testing.T) {
	t.Parallel()
	require.Equal(t, "bin/atelier", typed("bin/atelier"))
	require.Equal(t, "'my programs/atelier'", typed("my programs/atelier"))
	require.Equal(t, "go run ./cmd/atelier", typed("/tmp/go-build3059841228/b001/exe/atelier"))
}
