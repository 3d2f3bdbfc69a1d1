package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// tlsSettings have the API speak TLS, where no balancer before it does.
type tlsSettings struct {
	TLSCert string `name:"tls-cert" help:"Certificate of the API, PEM, followed by those that it rests on. With it the API speaks TLS alone. A new one is taken while the program runs." type:"path" placeholder:"FILE" env:"ATELIER_TLS_CERT" group:"Server"`
	TLSKey  string `name:"tls-key" help:"Its private key, PEM." type:"path" placeholder:"FILE" env:"ATELIER_TLS_KEY" group:"Server"`
}

// scheme begins the API's URLs.
func (s *tlsSettings) scheme() string {
	if s.TLSCert != "" {
		return "https://"
	}
	return "http://"
}

func (s *tlsSettings) check() error {
	if s.TLSCert == "" && s.TLSKey == "" {
		return nil
	}
	if s.TLSCert == "" || s.TLSKey == "" {
		return errors.New("TLS needs both: ATELIER_TLS_CERT and ATELIER_TLS_KEY")
	}
	_, err := s.load()
	return err
}

func (s *tlsSettings) load() (*tls.Certificate, error) {
	certificate, err := tls.LoadX509KeyPair(s.TLSCert, s.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("ATELIER_TLS_CERT and ATELIER_TLS_KEY: %w", err)
	}
	return &certificate, nil
}

// secure is nil where the API speaks plaintext.
func (s *tlsSettings) secure(log *slog.Logger) (*tls.Config, error) {
	if s.TLSCert == "" {
		return nil, nil
	}
	kept := &keptCertificate{from: *s, log: log, changed: s.changed(), looked: time.Now()}
	var err error
	if kept.now, err = s.load(); err != nil {
		return nil, err
	}
	return &tls.Config{GetCertificate: kept.get, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}, nil
}

// changed is when the files were.
func (s *tlsSettings) changed() (times [2]time.Time) {
	for i, file := range []string{s.TLSCert, s.TLSKey} {
		if info, err := os.Stat(file); err == nil {
			times[i] = info.ModTime()
		}
	}
	return times
}

// certificateLook is how often the files are looked at, when somebody shakes hands.
const certificateLook = 2 * time.Second

// keptCertificate is the newest of the certificates that could be read.
type keptCertificate struct {
	from tlsSettings
	log  *slog.Logger

	mu      sync.Mutex
	now     *tls.Certificate
	changed [2]time.Time
	looked  time.Time
}

func (k *keptCertificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.looked) < certificateLook {
		return k.now, nil
	}
	k.looked = time.Now()
	if changed := k.from.changed(); changed != k.changed {
		k.changed = changed
		if read, err := k.from.load(); err != nil { // half of it may be there yet
			k.log.Warn("the API's new certificate cannot be read; it goes on with the one before", "error", err)
		} else {
			k.now = read
			k.log.Info("the API has a new certificate", "until", read.Leaf.NotAfter)
		}
	}
	return k.now, nil
}
