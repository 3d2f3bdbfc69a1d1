package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/identity/seal"
)

// parse reads a serve command line with a file of settings, where there is one.
// Its callers are not parallel: the environment is the process's.
func parse(t *testing.T, file string, args ...string) (settings, error) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "ATELIER_") && name != "ATELIER_OPS_ADDR" {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	args = append([]string{"serve"}, args...)
	if file != "" {
		path := filepath.Join(t.TempDir(), "atelier.yaml")
		require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
		args = append(args, "--config", path)
	}
	var c commands
	_, err := parserOf(t.Context(), &c).Parse(args)
	return c.Serve.settings, err
}

func TestFlagsGoBeforeTheEnvironmentBeforeTheFile(t *testing.T) {
	const file = "http_addr: 127.0.0.1:1\nops_addr: 127.0.0.1:1\nlog_level: debug # all of it\nemail_verification: off\n"
	t.Setenv("ATELIER_OPS_ADDR", "127.0.0.1:2")
	s, err := parse(t, file, "--http-addr", "127.0.0.1:3")
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:3", s.HTTPAddr)
	require.Equal(t, "127.0.0.1:2", s.OpsAddr)
	require.Equal(t, "debug", s.LogLevel)
	require.Equal(t, "text", s.LogFormat)
	require.Equal(t, "off", s.Verification)
}

// TestEmptyPathsAreNone: a variable that is set to nothing, as templates of manifests
// do, names no directory.
func TestEmptyPathsAreNone(t *testing.T) {
	for _, name := range []string{"ATELIER_CLUSTER_TLS_CA", "ATELIER_CLUSTER_TLS_CERT", "ATELIER_CLUSTER_TLS_KEY", "ATELIER_DATA_DIR"} {
		t.Setenv(name, "")
	}
	var c commands
	_, err := parserOf(t.Context(), &c).Parse([]string{"serve"})
	require.NoError(t, err)
	s := c.Serve.settings
	require.Empty(t, s.ClusterTLSCA+s.ClusterTLSCert+s.ClusterTLSKey)
	here, err := os.Getwd()
	require.NoError(t, err)
	require.Equal(t, filepath.Join(here, "data"), s.DataDir, "the default")
	require.NoError(t, s.check())
	s.Env, s.ClusterName, s.DatabaseURL, s.PublicURL, s.MasterKey = "production", "one", "postgres://a:long-and-hidden@localhost/atelier", "https://a.example", seal.Generate()
	s.SMTPURL = "smtps://mail.example.com:465"
	require.ErrorContains(t, s.check(), "nodes talk over TLS")
}

func TestFilesThatAreRefused(t *testing.T) {
	for file, sentence := range map[string]string{
		"env: production\nhttp_adr: :80\n":  "line 2: there is no setting http_adr; atelier serve --help lists those there are",
		"config: other.yaml\n":              "line 1: there is no setting config;",
		"email: a@example.com\n":            "line 1: there is no setting email;", // a flag, and no setting
		"log_level: info\nlog_level: warn":  "line 2: log_level is set already, in line 1",
		"\nhttp_addr: [a, b]\n":             "line 2: http_addr must have a single value",
		"http_addr: {host: a}\n":            "line 1: http_addr must have a single value",
		"- http_addr\n":                     "line 1: settings are written as name: value, one a line",
		"http_addr: \"unfinished\n":         "yaml: ",
		"log_level: loud\n":                 `--log-level must be one of "debug","info","warn","error" but got "loud"`,
		"env: production\n\tlog_level: x\n": "yaml: ",
	} {
		_, err := parse(t, file)
		require.ErrorContains(t, err, sentence, file)
	}
	_, err := parse(t, "", "--config", filepath.Join(t.TempDir(), "none.yaml"))
	require.ErrorContains(t, err, "the file with settings cannot be read: ")
	for _, empty := range []string{"# nothing yet\n", "---\n"} {
		_, err := parse(t, empty)
		require.NoError(t, err, empty)
	}
}

func TestSettingsThatCannotWork(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("A", 43) + "="
	production := func(change func(*settings)) settings {
		s := settings{Env: "production", HTTPAddr: ":8080", OpsAddr: ":9090", PublicURL: "https://atelier.example.com"}
		s.MasterKey, s.DatabaseURL = key, "postgres://atelier:kVn2xq8@db/atelier"
		change(&s)
		return s
	}
	development := func(change func(*settings)) settings {
		s := settings{Env: "development", HTTPAddr: "127.0.0.1:8080", OpsAddr: "127.0.0.1:9090"}
		change(&s)
		return s
	}
	for _, c := range []struct {
		name, sentence string
		settings       settings
	}{
		{"development", "", development(func(*settings) {})},
		{"production", "", production(func(*settings) {})},
		{"production embedded", "", production(func(s *settings) { s.DatabaseURL = "" })},
		{"sqlite", "", development(func(s *settings) { s.DatabaseURL = "sqlite:other.db" })},
		{"any ports", "", development(func(s *settings) { s.HTTPAddr, s.OpsAddr = "127.0.0.1:0", "127.0.0.1:0" })},
		{"the longest wait", "", development(func(s *settings) { s.DrainWait = 5 * time.Minute })},
		{"too long a wait", "ATELIER_DRAIN_WAIT must be between 0s and 5m0s, and not 1h0m0s", development(func(s *settings) { s.DrainWait = time.Hour })},
		{"a wait below zero", "ATELIER_DRAIN_WAIT must be between", development(func(s *settings) { s.DrainWait = -time.Second })},
		{"database", "ATELIER_DATABASE_URL must begin with postgres:// or sqlite:", development(func(s *settings) { s.DatabaseURL = "mysql://db" })},
		{"password with a slash", "are written as %40 and the like", development(func(s *settings) { s.DatabaseURL = "postgres://u:a%zz@db/x" })},
		{"long directory", "ATELIER_DATA_DIR must have at most 92 bytes", development(func(s *settings) { s.DataDir = "/" + strings.Repeat("d", 92) })},
		{"directory", "", development(func(s *settings) { s.DataDir = "/" + strings.Repeat("d", 91) })},
		{"no port", `ATELIER_HTTP_ADDR must be an address with a port, such as 127.0.0.1:8080 or :8080, and not "localhost"`, development(func(s *settings) { s.HTTPAddr = "localhost" })},
		{"one port", "are both :8080: give one of them another port", production(func(s *settings) { s.OpsAddr = ":8080" })},
		{"URL", "ATELIER_PUBLIC_URL must be a URL such as", development(func(s *settings) { s.PublicURL = "atelier.example.com" })},
		{"key", "ATELIER_MASTER_KEY must be 32 bytes in base64", development(func(s *settings) { s.MasterKey = "c2hvcnQ=" })},
		{"production without URL", "in production ATELIER_PUBLIC_URL must be set", production(func(s *settings) { s.PublicURL = "" })},
		{"production without key", "in production ATELIER_MASTER_KEY must be set", production(func(s *settings) { s.MasterKey = "" })},
		{"production, default key", "must not be the key for development", production(func(s *settings) { s.MasterKey = key + "," + developmentKey })},
		{"production, default password", "must not be one that everybody tries", production(func(s *settings) { s.DatabaseURL = "postgres://atelier:postgres@db/atelier" })},
		{"production, default password in the query", "must not be one that everybody tries", production(func(s *settings) { s.DatabaseURL = "postgres://db/atelier?user=u&pass%77ord=postgres" })},
		{"production, no password", "", production(func(s *settings) { s.DatabaseURL = "postgres://atelier@db/atelier" })},
		{"several hosts", "", production(func(s *settings) { s.DatabaseURL = "postgres://atelier:kVn2xq8@one:5432,two:5433/atelier" })},
		{"proxies", "ATELIER_TRUSTED_PROXIES must be addresses and networks", development(func(s *settings) { s.TrustedProxies = "10.0.0.0/8, balancer" })},
		{"no limit", "ATELIER_RATE_LIMIT_MINUTE must be 1 to 100000, and not 0; ATELIER_RATE_LIMITS=off", development(func(s *settings) { s.RateLimits, s.RateLimitHour = "on", 9 })},
		{"limits", "", development(func(s *settings) { s.RateLimits, s.RateLimitMinute, s.RateLimitHour = "on", 1, 9 })},
		{"no number of sockets", "ATELIER_SOCKET_LIMIT_USER must be 0 to 100000, and not -1", development(func(s *settings) {
			s.RateLimits, s.RateLimitMinute, s.RateLimitHour, s.SocketLimitUser = "on", 1, 9, -1
		})},
		{"parameter", "ATELIER_DATABASE_URL cannot be read", production(func(s *settings) { s.DatabaseURL = "postgres://db/x?sslmode=maybe" })},
	} {
		err := c.settings.check()
		if c.sentence == "" {
			require.NoError(t, err, c.name)
		} else {
			require.ErrorContains(t, err, c.sentence, c.name)
		}
	}
}

func TestThePublicURLFollowsTheAddress(t *testing.T) {
	t.Parallel()
	for address, url := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080", ":8080": "http://localhost:8080", "0.0.0.0:80": "http://localhost:80", "[::]:80": "http://localhost:80",
	} {
		s := settings{HTTPAddr: address, OpsAddr: "127.0.0.1:9090"}
		require.NoError(t, s.check())
		require.Equal(t, url, s.PublicURL)
	}
}

// TestNoPasswordIsShown: what is said of a database, and of a URL that is wrong,
// has neither the password nor the user, wherever the URL has them.
func TestNoPasswordIsShown(t *testing.T) {
	t.Parallel()
	for url, place := range map[string]string{
		"postgres://tim:canary@db/atelier":                                   "postgres://db:5432/atelier",
		"postgresql://db:5433/atelier?user=tim&password=canary":              "postgres://db:5433/atelier",
		"postgres://db/atelier?password=canary&sslmode=disable":              "postgres://db:5432/atelier",
		"postgres://tim:canary@one:1,two:2/atelier?target_session_attrs=any": "postgres://one:1,two:2/atelier",
		"postgres://tim:canary@[::1]:5433/atelier":                           "postgres://[::1]:5433/atelier",
		"postgres://tim:canary@%2Frun%2Fpg/atelier":                          "postgres://%2Frun%2Fpg:5432/atelier",
		"postgres://tim:canary@db/atelier?sslmode=maybe":                     "Postgres",
		"postgres://tim:canary:canary@:x/canary?password=canary":             "Postgres",
		"tim:canary@db": "Postgres",
	} {
		s := storeSettings{DatabaseURL: url}
		require.Equal(t, place, s.place(), url)
		require.NotContains(t, s.located(errors.New("away")).Error(), "canary", url)
		if place == "Postgres" {
			require.NotContains(t, s.check().Error(), "canary", url)
		} else {
			require.NoError(t, s.check(), url)
		}
	}
}

// TestAClusterHasAName: who says how nodes find each other wants a cluster.
func TestAClusterHasAName(t *testing.T) {
	t.Parallel()
	s := settings{
		Env: "development", HTTPAddr: "127.0.0.1:8080", OpsAddr: "127.0.0.1:9090", storeSettings: storeSettings{DatabaseURL: "postgres://atelier@db/atelier"},
		clusterSettings: clusterSettings{ClusterSeeds: "10.0.0.2:7946", ClusterAddr: "10.0.0.1:7800", GossipAddr: "10.0.0.1:7946"},
	}
	require.NoError(t, s.check())
	require.Equal(t, "atelier", s.ClusterName)
	s.ClusterName = "production"
	require.NoError(t, s.check())
	require.Equal(t, "production", s.ClusterName)
	s.DatabaseURL, s.ClusterName = "", ""
	require.ErrorContains(t, s.check(), "a cluster needs Postgres")
	s.clusterSettings = clusterSettings{}
	require.NoError(t, s.check())
	require.False(t, s.clustered())
}
