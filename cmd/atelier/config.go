package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"atelier/identity/seal"
)

// settings are flags, environment variables and keys of the YAML file, in one:
// --http-addr is ATELIER_HTTP_ADDR and http_addr. docs/configuration.md is
// generated from here.
type settings struct {
	Env          string        `help:"development or production; production refuses weak settings." enum:"development,production" default:"development" env:"ATELIER_ENV" group:"Server"`
	HTTPAddr     string        `help:"Address of the API." default:"127.0.0.1:8080" env:"ATELIER_HTTP_ADDR" group:"Server"`
	OpsAddr      string        `help:"Address of the operations listener; keep it off the internet." default:"127.0.0.1:9090" env:"ATELIER_OPS_ADDR" group:"Operations"`
	PublicURL    string        `help:"URL under which clients reach the API, the same on all nodes; http:// or https:// and the API's address where it is not set, which production refuses." placeholder:"URL" env:"ATELIER_PUBLIC_URL" group:"Server"`
	NodeName     string        `help:"Stable name of this node; kept in the data directory where it is not set." placeholder:"NAME" env:"ATELIER_NODE_NAME" group:"Server"`
	DrainWait    time.Duration `help:"How long a node that is told to stop still takes requests while /readyz says no: as long as a balancer needs to notice, at most 5m. A second signal ends it." default:"0s" env:"ATELIER_DRAIN_WAIT" group:"Server"`
	Verification string        `name:"email-verification" help:"on: new users must prove their address, by a link that is mailed, before they sign in. off: they need not. on in production and off in development where it is not set." enum:"on,off," default:"" placeholder:"on|off" env:"ATELIER_EMAIL_VERIFICATION" group:"Mail"`

	tlsSettings
	mailSettings
	storeSettings
	replicaSettings
	cacheSettings
	limitSettings
	eventSettings
	clusterSettings
	logSettings
	traceSettings
}

// storeSettings say where the data is; all subcommands that touch it take them.
type storeSettings struct {
	Config      configFile `help:"YAML file with settings; flags and the environment go before it." placeholder:"FILE" env:"ATELIER_CONFIG" group:"Data"`
	DataDir     string     `help:"Directory of the embedded database, its master key, the node's name and the administration socket." default:"./data" env:"ATELIER_DATA_DIR" type:"path" group:"Data"`
	DatabaseURL string     `help:"postgres://…, or sqlite: and a path; the embedded database in the data directory where it is not set." placeholder:"URL" env:"ATELIER_DATABASE_URL" group:"Data"`
	MasterKey   string     `help:"Seals secrets in the database: 32 bytes in base64. Several, comma-separated: the first seals, all open. Embedded: made once in the data directory where it is not set." placeholder:"KEY" env:"ATELIER_MASTER_KEY" group:"Data"`
}

type logSettings struct {
	LogLevel  string `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"ATELIER_LOG_LEVEL" group:"Log"`
	LogFormat string `help:"text or json." enum:"text,json" default:"text" env:"ATELIER_LOG_FORMAT" group:"Log"`
}

func (s *logSettings) logger() *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.LogLevel)) // the enum allows only what it reads
	options := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}

// embedded reports whether the database is the one in the data directory.
func (s *storeSettings) embedded() bool {
	return s.DatabaseURL == "" || strings.HasPrefix(s.DatabaseURL, "sqlite:")
}

// databaseFile is the path of the embedded database.
func (s *storeSettings) databaseFile() string {
	if file := strings.TrimPrefix(s.DatabaseURL, "sqlite:"); file != "" {
		return file
	}
	return filepath.Join(s.DataDir, "atelier.db")
}

// postgres reads the database's URL as the driver does: a password may stand
// before the host or in the query, and in PGPASSWORD or a file of passwords. The
// driver's own account of what is wrong is not passed on: it may show one.
func (s *storeSettings) postgres() (*pgconn.Config, error) {
	if !strings.HasPrefix(s.DatabaseURL, "postgres://") && !strings.HasPrefix(s.DatabaseURL, "postgresql://") {
		return nil, errors.New("ATELIER_DATABASE_URL must begin with postgres:// or sqlite: and name a database")
	}
	config, err := pgconn.ParseConfig(s.DatabaseURL)
	if err != nil {
		return nil, errors.New("ATELIER_DATABASE_URL cannot be read: special characters in the password are written as %40 and the like, and files that it names must exist")
	}
	return config, nil
}

// place says where the data is, without secrets: nothing of a URL is shown but
// hosts, ports and the database's name.
func (s *storeSettings) place() string {
	if s.embedded() {
		return s.databaseFile()
	}
	config, err := s.postgres()
	if err != nil {
		return "Postgres"
	}
	var hosts []string
	add := func(host string, port uint16) { // one host may be there twice, with TLS and without
		if at := net.JoinHostPort(url.PathEscape(host), strconv.Itoa(int(port))); !slices.Contains(hosts, at) {
			hosts = append(hosts, at)
		}
	}
	add(config.Host, config.Port)
	for _, other := range config.Fallbacks {
		add(other.Host, other.Port)
	}
	return "postgres://" + strings.Join(hosts, ",") + "/" + config.Database
}

// maxDrainWait is longer than any balancer needs: who sets more means something
// else, and would wait for it at each restart.
const maxDrainWait = 5 * time.Minute

// check refuses settings that cannot work, with a sentence that says what to do,
// and completes those that follow from others.
func (s *settings) check() error {
	if err := s.storeSettings.check(); err != nil {
		return err
	}
	for _, a := range []struct{ name, address string }{{"ATELIER_HTTP_ADDR", s.HTTPAddr}, {"ATELIER_OPS_ADDR", s.OpsAddr}} {
		if _, port, err := net.SplitHostPort(a.address); err != nil || port == "" {
			return fmt.Errorf("%s must be an address with a port, such as 127.0.0.1:8080 or :8080, and not %q", a.name, a.address)
		}
	}
	if s.HTTPAddr == s.OpsAddr && !strings.HasSuffix(s.HTTPAddr, ":0") {
		return fmt.Errorf("ATELIER_HTTP_ADDR and ATELIER_OPS_ADDR are both %s: give one of them another port", s.HTTPAddr)
	}
	if s.DrainWait < 0 || s.DrainWait > maxDrainWait {
		return fmt.Errorf("ATELIER_DRAIN_WAIT must be between 0s and %s, and not %s: it is how long a balancer needs to notice, not how long requests may take", maxDrainWait, s.DrainWait)
	}
	if s.embedded() && len(adminSocket(s.DataDir)) > maxSocketPath {
		return fmt.Errorf("ATELIER_DATA_DIR must have at most %d bytes, since a socket is kept in it", maxSocketPath-len(adminSocket("/")))
	}
	if s.Env == "production" {
		if err := s.checkProduction(); err != nil {
			return err
		}
	}
	if err := s.checkReplicas(); err != nil {
		return err
	}
	if err := s.limitSettings.check(); err != nil {
		return err
	}
	if err := s.traceSettings.check(); err != nil {
		return err
	}
	if err := s.checkEvents(s.Env == "production"); err != nil {
		return err
	}
	if err := s.checkCluster(); err != nil {
		return err
	}
	if err := s.tlsSettings.check(); err != nil {
		return err
	}
	if s.PublicURL == "" {
		s.PublicURL = s.scheme() + reachable(s.HTTPAddr)
	}
	if u, err := url.Parse(s.PublicURL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("ATELIER_PUBLIC_URL must be a URL such as https://atelier.example.com, and not %q", s.PublicURL)
	}
	s.PublicURL = strings.TrimSuffix(s.PublicURL, "/")
	if s.Verification == "" {
		s.Verification = map[bool]string{true: "on", false: "off"}[s.Env == "production"]
	}
	s.LinkURL = strings.TrimSuffix(s.LinkURL, "/")
	return s.checkMail()
}

// check is the part of it that every subcommand with a database needs.
func (s *storeSettings) check() error {
	if !s.embedded() {
		if _, err := s.postgres(); err != nil {
			return err
		}
	}
	if s.MasterKey != "" {
		if _, err := seal.Parse(s.MasterKey); err != nil {
			return errors.New("ATELIER_MASTER_KEY must be 32 bytes in base64; make one with: openssl rand -base64 32")
		}
	}
	return nil
}

// checkProduction refuses what is only good enough for development.
func (s *settings) checkProduction() error {
	switch {
	case s.PublicURL == "":
		return errors.New("in production ATELIER_PUBLIC_URL must be set: tokens and links are made from it")
	case s.MasterKey == "":
		return errors.New("in production ATELIER_MASTER_KEY must be set; make one with: openssl rand -base64 32")
	case strings.Contains(s.MasterKey, developmentKey):
		return errors.New("in production ATELIER_MASTER_KEY must not be the key for development; make one with: openssl rand -base64 32")
	}
	if s.embedded() {
		return nil
	}
	config, err := s.postgres()
	if err == nil && slices.Contains(defaultPasswords, config.Password) {
		err = errors.New("in production the password of the database must not be one that everybody tries: give its role another, and put that into ATELIER_DATABASE_URL")
	}
	return err
}

// defaultPasswords are those of examples and images. None at all is not among
// them: Postgres then knows its clients by other means.
var defaultPasswords = []string{"postgres", "password", "secret", "atelier", "admin", "root", "changeme", "test"}

// reachable is an address that a client on this machine can ask for.
func reachable(address string) string {
	host, port, _ := net.SplitHostPort(address)
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// developmentKey seals where no key was given and the database is shared. It is
// no secret, and production refuses it.
const developmentKey = "YXRlbGllciBkZXZlbG9wbWVudCBrZXkgMDAwMDAwMDA="

// masterKey is the given key; else, embedded, one that is made once and kept in
// the data directory; else the one for development.
func (s *storeSettings) masterKey() (*seal.Ring, error) {
	if s.MasterKey != "" {
		return seal.Parse(s.MasterKey)
	}
	if !s.embedded() {
		return seal.Parse(developmentKey)
	}
	file := filepath.Join(s.DataDir, "master.key")
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		text = []byte(seal.Generate() + "\n")
		err = keep(file, text)
	}
	if err != nil {
		return nil, fmt.Errorf("the master key cannot be kept in the data directory: %w", err)
	}
	return seal.Parse(strings.TrimSpace(string(text)))
}
