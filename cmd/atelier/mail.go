package main

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	post "atelier/actors/outbox/mail"
	"atelier/actors/store"
	"atelier/identity/seal"
	"atelier/messages"
)

// mailSettings say how mail leaves the house.
type mailSettings struct {
	SMTPURL  string `name:"smtp-url" help:"Server that sends mail: smtp://user:password@host:587, which must speak STARTTLS, or smtps://…:465. Where it is not set, mails are files in the data directory's mail." placeholder:"URL" env:"ATELIER_SMTP_URL" group:"Mail"`
	Welcome  string `name:"welcome-mail" help:"on: new users who need not prove their address are welcomed by mail; with RabbitMQ by what is in the queue notification.email, which is left alone with off." enum:"on,off," default:"on" placeholder:"on|off" env:"ATELIER_WELCOME_MAIL" group:"Mail"`
	MailFrom string `help:"Address that mail is from; no-reply@ and the host of the public URL where it is not set." placeholder:"ADDRESS" env:"ATELIER_MAIL_FROM" group:"Mail"`
	LinkURL  string `name:"link-url" help:"URL that the links in mails begin with, where a web client answers /verify-email, /reset-password, /confirm-email and /invitation; the public URL, which has pages for that, where it is not set." placeholder:"URL" env:"ATELIER_LINK_URL" group:"Mail"`
}

// checkMail refuses settings of mail that cannot work, and completes them.
func (s *settings) checkMail() error {
	if s.SMTPURL != "" {
		server, err := post.ParseSMTP(s.SMTPURL)
		if err != nil {
			return fmt.Errorf("ATELIER_SMTP_URL: %w", err)
		}
		if s.Env == "production" && !server.Encrypted {
			return errors.New("in production mail must not be sent in plaintext: take tls=off out of ATELIER_SMTP_URL")
		}
	}
	if s.LinkURL == "" {
		s.LinkURL = s.PublicURL
	}
	if u, err := url.Parse(s.LinkURL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("ATELIER_LINK_URL must be a URL such as https://app.example.com, and not %q", s.LinkURL)
	}
	if s.MailFrom == "" {
		public, _ := url.Parse(s.PublicURL) // which was checked
		host := public.Hostname()
		if strings.Contains(host, ":") {
			host = "localhost" // an address of IPv6 is no domain
		}
		s.MailFrom = "Atelier <no-reply@" + host + ">"
	}
	if _, err := mail.ParseAddress(s.MailFrom); err != nil {
		return fmt.Errorf("ATELIER_MAIL_FROM must be an address such as Atelier <no-reply@example.com>, and not %q", s.MailFrom)
	}
	return nil
}

// transport is the server for mail, or the directory that stands for one.
func (s *settings) transport() (post.Transport, error) {
	if s.SMTPURL != "" {
		return post.ParseSMTP(s.SMTPURL)
	}
	return post.NewDirectory(filepath.Join(s.DataDir, "mail"))
}

// letterbox takes what addresses ask for, and wakes the sender when there is
// something to send.
type letterbox struct {
	db     engine
	now    func() time.Time
	sender atomic.Pointer[post.Sender]
}

// askedFor is how long it is tried to carry out what an address asked for.
const askedFor = time.Hour

// Ask implements identity.Post.
func (l *letterbox) Ask(ctx context.Context, m *messages.Meta, what, address string) error {
	now := l.now().UTC().Truncate(time.Microsecond)
	err := l.db.AddMail(ctx, store.Mail{
		ID: uuid.Must(uuid.NewV7()).String(), Kind: what, To: address, Created: now, Expires: now.Add(askedFor), Trace: m.GetTrace(),
	})
	l.wake()
	return err
}

func (l *letterbox) wake() {
	if s := l.sender.Load(); s != nil {
		s.Wake()
	}
}

// Committed implements actors.Hints: a command may have queued a mail.
func (l *letterbox) Committed(_ store.Kind, _ string, events []messages.Event) {
	for _, e := range events {
		if _, queued := e.(*messages.MailQueued); queued {
			l.wake()
			return
		}
	}
}

// startMail begins to send mails.
func (s *server) startMail(c settings, db *opened, lease lease, sealer *seal.Ring) error {
	transport, err := c.transport()
	if err != nil {
		return err
	}
	if c.Env == "production" && c.SMTPURL == "" && c.Verification == "on" {
		s.log.Warn("mails are written to files, and nobody is sent one: set ATELIER_SMTP_URL", "directory", filepath.Join(c.DataDir, "mail"))
	}
	sender := post.New(post.Config{From: c.MailFrom, Site: c.LinkURL}, post.Deps{
		Source: db, Transport: transport, Open: sealer.Open, Links: s.mint, Ask: s.errand(db), Now: lease.Now, Meter: s.metrics.mails, Log: s.log,
	})
	s.letters.sender.Store(sender)
	s.background(sender.Run)
	return nil
}
