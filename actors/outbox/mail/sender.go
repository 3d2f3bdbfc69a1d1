package mail

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"atelier/actors/store"
	"atelier/messages"
)

// Source keeps the mails for all nodes. Times are its own.
type Source interface {
	// ClaimMails leases mails that are due.
	ClaimMails(ctx context.Context, lease time.Duration, limit int) ([]store.Mail, error)
	// EndMail says what became of one, for good; RetryMail lets it be claimed again
	// after a while. Both do nothing once another attempt has claimed it.
	EndMail(ctx context.Context, id string, attempt int, state string) error
	RetryMail(ctx context.Context, id string, attempt int, wait time.Duration) error
}

// Transport hands a mail to whoever brings it further. An error that wraps
// ErrRefused is for good.
type Transport interface {
	Send(ctx context.Context, m *Message) error
}

// ErrRefused says that a mail will not be taken however often it is tried.
var ErrRefused = errors.New("mail: refused for good")

// Deps is what a Sender stands on.
type Deps struct {
	Source    Source
	Transport Transport
	Open      func(place string, sealed []byte) ([]byte, error) // the inverse of what sealed the params
	Links     Links
	Ask       func(ctx context.Context, m *messages.Meta, what, address string) error // carries out what an address asked for, and other errands
	Now       func() time.Time
	Meter     Meter
	Log       *slog.Logger
}

// Meter counts what became of mails.
type Meter interface {
	Mailed(result string)
}

// What became of a mail, and of an attempt.
const (
	Sent     = "sent"
	Answered = "answered" // what an address asked for was carried out
	Refused  = "refused"
	Expired  = "expired"
	Failed   = "failed" // and is tried again
)

// Times and sizes.
const (
	lookEvery   = 2 * time.Second
	leaseFor    = time.Minute
	sendTimeout = 15 * time.Second
	atOnce      = 8 // mails under way
	firstRetry  = 5 * time.Second
	lastRetry   = 15 * time.Minute
)

// Sender sends mails until Run ends.
type Sender struct {
	Deps
	letters *Letters
	wake    chan struct{}
}

// New makes a Sender.
func New(c Config, d Deps) *Sender {
	return &Sender{Deps: d, letters: newLetters(c, d.Links), wake: make(chan struct{}, 1)}
}

// Wake says that there is a mail to send. It does not block.
func (s *Sender) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run sends what is due until ctx ends; what is under way then comes to its end.
func (s *Sender) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		s.drain(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.wake:
		}
	}
}

// drain sends mails until none is due.
func (s *Sender) drain(ctx context.Context) {
	for ctx.Err() == nil {
		claim, cancel := context.WithTimeout(ctx, sendTimeout)
		mails, err := s.Source.ClaimMails(claim, leaseFor, atOnce)
		cancel()
		if err != nil {
			if ctx.Err() == nil {
				s.Log.Warn("mails cannot be looked for", "error", err)
			}
			return
		}
		var underWay sync.WaitGroup
		for _, m := range mails {
			underWay.Go(func() { s.handle(context.WithoutCancel(ctx), m) })
		}
		underWay.Wait()
		if len(mails) < atOnce {
			return
		}
	}
}

// handle makes one attempt and writes down what came of it.
func (s *Sender) handle(ctx context.Context, m store.Mail) {
	attempt, cancel := context.WithTimeout(ctx, sendTimeout)
	result, err := s.attempt(attempt, m)
	cancel()
	s.Meter.Mailed(result)
	ctx, cancel = context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if result == Failed {
		wait := backOff(m.Attempt)
		s.Log.Warn("a mail or an errand failed and is tried again", "id", m.ID, "kind", m.Kind, "attempt", m.Attempt, "wait", wait, "error", err)
		err = s.Source.RetryMail(ctx, m.ID, m.Attempt, wait)
	} else {
		if err != nil {
			s.Log.Error("a mail was given up", "id", m.ID, "kind", m.Kind, "result", result, "error", err)
		}
		err = s.Source.EndMail(ctx, m.ID, m.Attempt, result)
	}
	if err != nil {
		s.Log.Warn("what became of a mail was not written down: it may be sent again", "id", m.ID, "error", err)
	}
}

func (s *Sender) attempt(ctx context.Context, m store.Mail) (result string, err error) {
	if !s.Now().Before(m.Expires) {
		return Expired, errors.New("mail: too late")
	}
	if strings.HasPrefix(m.Kind, "ask_") || m.Kind == messages.EraseUser {
		if err := s.Ask(ctx, askedBy(m), m.Kind, m.To); err != nil {
			return Failed, err
		}
		return Answered, nil
	}
	params := &messages.MailParams{}
	plain, err := s.Open(store.SealedMail(m.ID), m.Params)
	if err == nil {
		err = proto.Unmarshal(plain, params)
	}
	if err != nil {
		return Refused, err
	}
	message, err := s.letters.compose(m, params)
	if err != nil {
		return Refused, err
	}
	switch err := s.Transport.Send(ctx, message); {
	case errors.Is(err, ErrRefused):
		return Refused, err
	case err != nil:
		return Failed, err
	}
	return Sent, nil
}

// askedBy is the Meta of the command that answers what was asked for: the row's id
// makes it one command, however often it is tried.
func askedBy(m store.Mail) *messages.Meta {
	return &messages.Meta{CommandId: "m:" + m.ID, Attempt: uint32(m.Attempt - 1), Trace: m.Trace}
}

// backOff doubles with each attempt; the jitter keeps apart what failed together.
func backOff(attempt int) time.Duration {
	wait := lastRetry
	if attempt < 10 {
		wait = min(lastRetry, firstRetry<<(attempt-1))
	}
	return wait*3/4 + rand.N(wait/2)
}
