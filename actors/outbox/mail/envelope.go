package mail

import (
	"bytes"
	"fmt"
	"net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// envelope is the message as it travels: text and HTML side by side. Lines are sent
// as they are, so that a link is whole in the source too: none has more than the 998
// bytes that SMTP takes (RFC 5321, 4.5.3.1.6), and quoted-printable would break them.
func envelope(m *Message) (*gomail.Msg, error) {
	e := gomail.NewMsg(gomail.WithEncoding(gomail.NoEncoding), gomail.WithCharset(gomail.CharsetUTF8), gomail.WithNoDefaultUserAgent())
	if err := e.From(m.From); err != nil {
		return nil, fmt.Errorf("mail: the sender's address: %w", err)
	}
	if err := e.To(m.To); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	e.Subject(m.Subject)
	e.SetDateWithValue(m.Date)
	e.SetMessageIDWithValue(m.ID + "@" + host(m.From))
	e.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: answer machines keep quiet
	e.SetGenHeader("X-Atelier-Mail", m.Kind)
	e.SetBodyString(gomail.TypeTextPlain, lines(m.Text))
	e.AddAlternativeString(gomail.TypeTextHTML, lines(m.HTML))
	return e, nil
}

// lines end as those of mails do.
func lines(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
}

// host is the part of an address behind the @.
func host(from string) string {
	address, err := mail.ParseAddress(from)
	if err != nil {
		return "localhost"
	}
	return address.Address[strings.LastIndexByte(address.Address, '@')+1:]
}

// render is the whole message as text.
func render(m *Message) ([]byte, error) {
	e, err := envelope(m)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := e.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("mail: compose: %w", err)
	}
	return b.Bytes(), nil
}
