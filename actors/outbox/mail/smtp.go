package mail

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"

	gomail "github.com/wneessen/go-mail"
)

// SMTP sends mails through a server.
type SMTP struct {
	host    string
	options []gomail.Option
	// Encrypted reports whether nothing is sent in plaintext.
	Encrypted bool
}

// errURL says what an URL of a server looks like. The cause is not passed on: it
// would show the password.
var errURL = errors.New("it must be smtp://host:587 or smtps://host:465, with user:password@ before the host where the server asks for it")

// ParseSMTP reads the URL of a server: smtp://user:password@host:587, where the
// connection is encrypted by STARTTLS, or smtps://…:465, where it is from the start.
// Servers of this machine, and those of a URL that ends in ?tls=off, may be talked to
// in plaintext.
func ParseSMTP(text string) (*SMTP, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" {
		return nil, errURL
	}
	s := &SMTP{host: u.Hostname(), Encrypted: true}
	port := 587
	policy := gomail.WithTLSPolicy(gomail.TLSMandatory)
	switch off := u.Query().Get("tls") == "off"; {
	case u.Scheme == "smtps":
		port, policy = 465, gomail.WithSSL()
	case u.Scheme != "smtp":
		return nil, errURL
	case off:
		policy, s.Encrypted = gomail.WithTLSPolicy(gomail.NoTLS), false
	case loopback(s.host):
		policy = gomail.WithTLSPolicy(gomail.TLSOpportunistic)
	}
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
			return nil, errURL
		}
	}
	s.options = append(s.options, policy, gomail.WithPort(port), gomail.WithTimeout(sendTimeout), gomail.WithoutNoop())
	if name := u.User.Username(); name != "" {
		secret, _ := u.User.Password()
		s.options = append(s.options, gomail.WithUsername(name), gomail.WithPassword(secret), gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover))
	}
	_, err = gomail.NewClient(s.host, s.options...)
	if err != nil {
		return nil, errURL
	}
	return s, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Send hands the mail to the server. What it refuses for good wraps ErrRefused; what
// it said is not repeated in the error, since it may name the address.
func (s *SMTP) Send(ctx context.Context, m *Message) error {
	e, err := envelope(m)
	if err != nil {
		return err
	}
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return errURL
	}
	err = client.DialAndSendWithContext(ctx, e)
	if e.IsDelivered() {
		return nil // and only the farewell failed
	}
	var answer *gomail.SendError
	if errors.As(err, &answer) {
		failed := fmt.Errorf("mail: the server answered %d %s", answer.ErrorCode(), answer.EnhancedStatusCode())
		if code := answer.ErrorCode(); code >= 550 && code <= 559 { // the mail's fault, and not the session's
			return fmt.Errorf("%w: %w", ErrRefused, failed)
		}
		return failed
	}
	if err != nil {
		return fmt.Errorf("mail: the server cannot be reached: %w", err)
	}
	return nil
}
