package main

import (
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"atelier/identity/seal"
)

// settings are flags, environment variables and keys of the YAML file, in one.
type settings struct {
	Env          string `help:"development or production; production refuses weak settings." enum:"development,production" default:"development" env:"ATELIER_ENV"`
	HTTPAddr     string `help:"Address of the API." default:"127.0.0.1:8080" env:"ATELIER_HTTP_ADDR"`
	OpsAddr      string `help:"Address of the operations listener." default:"127.0.0.1:9090" env:"ATELIER_OPS_ADDR"`
	PublicURL    string `help:"URL under which clients reach the API; http://<http-addr> where it is not set." env:"ATELIER_PUBLIC_URL"`
	NodeName     string `help:"Stable name of this node; kept in the data directory where it is not set." env:"ATELIER_NODE_NAME"`
	Verification string `name:"email-verification" help:"Whether new users must prove their address: only off is there yet." enum:"off" default:"off" env:"ATELIER_EMAIL_VERIFICATION"`

	storeSettings
	logSettings
}

// storeSettings say where the data is; all subcommands that touch it take them.
type storeSettings struct {
	DataDir     string `help:"Directory of the embedded database, the node's name and the like." default:"./data" env:"ATELIER_DATA_DIR" type:"path"`
	DatabaseURL string `help:"postgres://…, or empty for the embedded database in the data directory." env:"ATELIER_DATABASE_URL"`
	MasterKey   string `help:"Key that seals secrets in the database: 32 bytes in base64. Several, comma-separated: the first seals, all open." env:"ATELIER_MASTER_KEY"`
}

type logSettings struct {
	LogLevel  string `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"ATELIER_LOG_LEVEL"`
	LogFormat string `help:"text or json." enum:"text,json" default:"text" env:"ATELIER_LOG_FORMAT"`
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

// place says where the data is, without secrets.
func (s *storeSettings) place() string {
	if s.embedded() {
		return s.databaseFile()
	}
	u, err := url.Parse(s.DatabaseURL)
	if err != nil {
		return "Postgres"
	}
	return u.Redacted()
}

// check refuses settings that cannot work, with a sentence that says what to do.
func (s *settings) check() error {
	if !s.embedded() && !strings.HasPrefix(s.DatabaseURL, "postgres://") && !strings.HasPrefix(s.DatabaseURL, "postgresql://") {
		return fmt.Errorf("ATELIER_DATABASE_URL must begin with postgres:// or sqlite:")
	}
	if s.PublicURL == "" {
		if s.Env == "production" {
			return fmt.Errorf("in production ATELIER_PUBLIC_URL must be set: tokens and links are made from it")
		}
		s.PublicURL = "http://" + s.HTTPAddr
	}
	if u, err := url.Parse(s.PublicURL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("ATELIER_PUBLIC_URL must be a URL such as https://atelier.example.com")
	}
	s.PublicURL = strings.TrimSuffix(s.PublicURL, "/")
	if s.Env == "production" && s.MasterKey == "" {
		return fmt.Errorf("in production ATELIER_MASTER_KEY must be set; make one with: openssl rand -base64 32")
	}
	if s.Env == "production" && s.MasterKey == developmentKey {
		return fmt.Errorf("in production ATELIER_MASTER_KEY must not be the key for development; make one with: openssl rand -base64 32")
	}
	return nil
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
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("the master key cannot be kept in the data directory: %w", err)
	}
	return seal.Parse(strings.TrimSpace(string(text)))
}
