package mail

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"atelier/actors/store"
	"atelier/messages"
)

type plainLinks struct{}

func (plainLinks) MintLink(purpose, owner, id string) (string, error) {
	return purpose + strings.Repeat("-x_Y", 20) + "." + owner + id, nil
}

var (
	born    = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	config  = Config{From: "Atelier <no-reply@example.com>", Site: "https://example.com/atelier"}
	someone = &messages.MailParams{Name: "Ada Lovelace", Owner: "o", LinkId: "l", About: "ada@other.example", By: "Bob", Role: "editor"}
)

func row(kind string) store.Mail {
	return store.Mail{ID: "0190a000-0000-7000-8000-00000000000" + fmt.Sprint(len(kind)%10), Kind: kind, To: "ada@example.com", Created: born, Expires: born.Add(time.Hour), Attempt: 1}
}

// TestLettersOfAllKinds: each says who it is to and until when its link works, the
// same in both forms, with nothing left to fill in and no line that is too long.
func TestLettersOfAllKinds(t *testing.T) {
	t.Parallel()
	l := newLetters(config, plainLinks{})
	for kind, letter := range letters {
		m, err := l.compose(row(kind), someone)
		require.NoError(t, err, kind)
		source, err := render(m)
		require.NoError(t, err, kind)
		for _, form := range []string{m.Text, m.HTML} {
			require.Contains(t, form, "Hello Ada Lovelace,", kind)
			require.NotContains(t, form, "{{", kind)
			if letter.purpose != "" {
				link := config.Site + letter.page + "?token=" + letter.purpose
				require.Contains(t, form, link, kind)
				require.Contains(t, form, "1 March 2026, 11:00 UTC", kind)
			}
		}
		if letter.purpose != "" {
			token, _ := plainLinks{}.MintLink(letter.purpose, "o", "l")
			require.Contains(t, string(source), "\r\n"+config.Site+letter.page+"?token="+token+"\r\n", "%s: whole, on a line of its own", kind)
		}
		for line := range strings.Lines(string(source)) {
			require.True(t, strings.HasSuffix(line, "\r\n"), "%s: %q", kind, line)
			require.Less(t, len(line), 998, kind)
		}
		if folder := os.Getenv("MAIL_SAMPLES"); folder != "" { // to look at them
			require.NoError(t, os.WriteFile(filepath.Join(folder, kind+".html"), []byte(m.HTML), 0o644))
			require.NoError(t, os.WriteFile(filepath.Join(folder, kind+".eml"), source, 0o644))
		}
	}
	_, err := l.compose(row("unknown"), someone)
	require.Error(t, err)
}

// TestWhatPeopleWriteStaysText: names and titles make neither markup nor headers nor
// links.
func TestWhatPeopleWriteStaysText(t *testing.T) {
	t.Parallel()
	l := newLetters(config, plainLinks{})
	for name, greeted := range map[string]string{
		"Ada": "Hello Ada,", "": "Hello,", "J. R. Hartley": "Hello J. R. Hartley,", "Zoë 🎨": "Hello Zoë 🎨,", "  A \r\n B ": "Hello A B,",
		"go to evil.example": "Hello,", "https://evil": "Hello,", "www.evil": "Hello,", "a@b": "Hello,", "<b>x</b>": "Hello,",
	} {
		m, err := l.compose(row(messages.MailVerifyEmail), &messages.MailParams{Name: name, Owner: "o", LinkId: "l"})
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(m.Text, greeted+"\n"), "%q: %q", name, m.Text[:40])
	}
	m, err := l.compose(row(messages.MailConfirmEmail), &messages.MailParams{Name: "A & B", About: "x\r\nBcc: all@example.com <script>alert(1)</script> https://evil.example"})
	require.NoError(t, err)
	require.Contains(t, m.HTML, "A &amp; B")
	require.NotContains(t, m.HTML, "<script")
	require.NotContains(t, m.Text, "://evil")
	source, err := render(m)
	require.NoError(t, err)
	parsed, err := mail.ReadMessage(strings.NewReader(string(source)))
	require.NoError(t, err)
	require.Empty(t, parsed.Header.Get("Bcc"))
}

func TestDirectoriesHaveWholeFiles(t *testing.T) {
	t.Parallel()
	d, err := NewDirectory(filepath.Join(t.TempDir(), "mail"))
	require.NoError(t, err)
	m, err := newLetters(config, plainLinks{}).compose(row(messages.MailVerifyEmail), someone)
	require.NoError(t, err)
	for range 2 { // sent again it is the same mail
		require.NoError(t, d.Send(t.Context(), m))
	}
	entries, err := os.ReadDir(d.path)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, "20260301-100000-verify_email-"+m.ID+".eml", entries[0].Name())
	bad := *m
	bad.To = "no address"
	require.ErrorIs(t, d.Send(t.Context(), &bad), ErrRefused)
	require.NoError(t, os.RemoveAll(d.path))
	require.Error(t, d.Send(t.Context(), m))
}

func TestAddressesOfServers(t *testing.T) {
	t.Parallel()
	for url, encrypted := range map[string]bool{
		"smtp://mail.example.com": true, "smtp://u:p%40@mail.example.com:2525": true, "smtps://mail.example.com/": true,
		"smtp://127.0.0.1:25": true, "smtp://mail.example.com?tls=off": false,
	} {
		s, err := ParseSMTP(url)
		require.NoError(t, err, url)
		require.Equal(t, encrypted, s.Encrypted, url)
	}
	for _, url := range []string{"", "mail.example.com", "http://mail.example.com", "smtp://", "smtp://h:x", "smtp://h:99999", "smtp://u:canary@h/path", "smtp://u:canary%zz@h"} {
		_, err := ParseSMTP(url)
		require.Error(t, err, url)
		require.NotContains(t, err.Error(), "canary")
	}
}

// postOffice is a small server that takes mail as RFC 5321 says.
type postOffice struct {
	net.Listener
	answer func(command string) string // "" for what is usual
	mu     sync.Mutex
	took   []string
}

func newPostOffice(t *testing.T, answer func(command string) string) *postOffice {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	o := &postOffice{Listener: l, answer: answer}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { o.serve(c) })
		}
	})
	t.Cleanup(func() { l.Close(); open.Wait() })
	return o
}

func (o *postOffice) serve(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	r := bufio.NewReader(c)
	say := func(line string) { fmt.Fprint(c, line+"\r\n") }
	say("220 post office")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		command := strings.ToUpper(strings.Fields(line + " ?")[0])
		if o.answer != nil {
			if said := o.answer(command); said != "" {
				say(said)
				continue
			}
		}
		switch command {
		case "EHLO":
			say("250-post office\r\n250 8BITMIME")
		case "DATA":
			say("354 go on")
			var body strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				body.WriteString(strings.TrimPrefix(line, "."))
			}
			o.mu.Lock()
			o.took = append(o.took, body.String())
			o.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (o *postOffice) mails() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.took...)
}

func (o *postOffice) transport(t *testing.T) *SMTP {
	s, err := ParseSMTP("smtp://" + o.Addr().String())
	require.NoError(t, err)
	return s
}

// TestServersTakeMails as they are, refuse them for good or for now, and are away.
func TestServersTakeMails(t *testing.T) {
	t.Parallel()
	m, err := newLetters(config, plainLinks{}).compose(row(messages.MailVerifyEmail), someone)
	require.NoError(t, err)
	o := newPostOffice(t, nil)
	require.NoError(t, o.transport(t).Send(t.Context(), m))
	require.Len(t, o.mails(), 1)
	require.Contains(t, o.mails()[0], "/verify-email?token=verify-x_Y-x_Y")
	require.Contains(t, o.mails()[0], "Subject: Confirm your address\r\n")

	for said, forGood := range map[string]bool{"550 5.1.1 no such user": true, "451 4.3.0 later": false} {
		refusing := newPostOffice(t, func(command string) string {
			if command == "RCPT" {
				return said
			}
			return ""
		})
		err := refusing.transport(t).Send(t.Context(), m)
		require.Error(t, err)
		require.Equal(t, forGood, errors.Is(err, ErrRefused), "%s: %v", said, err)
		require.NotContains(t, err.Error(), "ada@example.com")
	}
	farewell := newPostOffice(t, func(command string) string { return map[string]string{"QUIT": "421 I am gone"}[command] })
	require.NoError(t, farewell.transport(t).Send(t.Context(), m), "the mail was taken")
	require.NoError(t, o.Close())
	err = o.transport(t).Send(t.Context(), m)
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrRefused)

	plain, err := ParseSMTP("smtp://mail.example.com")
	require.NoError(t, err)
	plain.host = "127.0.0.1"
	deaf := newPostOffice(t, nil)
	plain.options = append(plain.options, deaf.transport(t).options[1]) // its port
	require.Error(t, plain.Send(t.Context(), m), "no STARTTLS, no mail")
	require.Empty(t, deaf.mails())
}

// table keeps rows in memory as the engines do; that they do is shown on them.
type table struct {
	mu    sync.Mutex
	due   []store.Mail
	ended map[string]string
	waits []time.Duration
	done  chan struct{}
}

func (s *table) ClaimMails(context.Context, time.Duration, int) ([]store.Mail, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	claimed := s.due
	s.due = nil
	for i := range claimed {
		claimed[i].Attempt++
	}
	return claimed, nil
}

func (s *table) EndMail(_ context.Context, id string, _ int, state string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended[id] = state
	s.done <- struct{}{}
	return nil
}

func (s *table) RetryMail(_ context.Context, id string, attempt int, wait time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waits = append(s.waits, wait)
	s.due = append(s.due, store.Mail{ID: id, Kind: messages.MailVerifyEmail, To: "ada@example.com", Params: sealed(), Created: born, Expires: born.Add(time.Hour), Attempt: attempt})
	s.done <- struct{}{}
	return nil
}

func sealed() []byte {
	b, err := proto.Marshal(someone)
	if err != nil {
		panic(err)
	}
	return append([]byte("sealed:"), b...)
}

type counts struct {
	mu sync.Mutex
	by map[string]int
}

func (c *counts) Mailed(result string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by[result]++
}

// flaky fails at first.
type flaky struct {
	mu    sync.Mutex
	fails int
	sent  []*Message
}

func (f *flaky) Send(_ context.Context, m *Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails--; f.fails >= 0 {
		return io.ErrUnexpectedEOF
	}
	if m.To == "refused@example.com" {
		return ErrRefused
	}
	f.sent = append(f.sent, m)
	return nil
}

// TestASenderTriesAgain until a mail is taken, refused or too old, and carries out
// what addresses ask for.
func TestASenderTriesAgain(t *testing.T) {
	t.Parallel()
	mailOf := func(id, kind, to string) store.Mail {
		return store.Mail{ID: id, Kind: kind, To: to, Params: sealed(), Created: born, Expires: born.Add(time.Hour)}
	}
	source := &table{ended: map[string]string{}, done: make(chan struct{}, 100)}
	source.due = []store.Mail{mailOf("1", messages.MailVerifyEmail, "ada@example.com")}
	way, meter := &flaky{fails: 3}, &counts{by: map[string]int{}}
	var asked []string
	s := New(config, Deps{
		Source: source, Transport: way, Links: plainLinks{}, Meter: meter, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return born.Add(time.Minute) },
		Open: func(place string, b []byte) ([]byte, error) {
			plain, is := strings.CutPrefix(string(b), "sealed:")
			if !is || !strings.HasPrefix(place, "mails|") {
				return nil, errors.New("not sealed here")
			}
			return []byte(plain), nil
		},
		Ask: func(_ context.Context, m *messages.Meta, what, address string) error {
			asked = append(asked, fmt.Sprint(what, " ", address, " ", m.GetCommandId()))
			return nil
		},
	})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	next := func() {
		s.Wake()
		<-source.done
	}
	for range 4 {
		next()
	}
	require.Equal(t, map[string]string{"1": Sent}, source.ended)
	require.Len(t, way.sent, 1)
	for i, wait := range source.waits {
		least := firstRetry << i * 3 / 4
		require.GreaterOrEqual(t, wait, least)
		require.Less(t, wait, least*2)
	}
	old := mailOf("2", messages.MailVerifyEmail, "ada@example.com")
	old.Expires = born
	torn := mailOf("3", messages.MailVerifyEmail, "ada@example.com")
	torn.Params = []byte("torn")
	source.mu.Lock()
	source.due = []store.Mail{
		old, torn, mailOf("4", "of another version", "ada@example.com"), mailOf("5", messages.MailVerifyEmail, "refused@example.com"),
		mailOf("6", messages.AskPasswordReset, "eve@example.com"),
	}
	source.mu.Unlock()
	next()
	for range 4 {
		<-source.done
	}
	require.Equal(t, map[string]string{"1": Sent, "2": Expired, "3": Refused, "4": Refused, "5": Refused, "6": Answered}, source.ended)
	require.Equal(t, []string{"ask_password_reset eve@example.com m:6"}, asked)
	require.Equal(t, map[string]int{Failed: 3, Sent: 1, Expired: 1, Refused: 3, Answered: 1}, meter.by)
	require.Less(t, backOff(1_000_000), 2*lastRetry)
	stop()
	running.Wait()
}
