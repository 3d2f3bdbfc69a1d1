package account

import (
	"net/mail"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"atelier/messages"
)

// MaxEmail is the longest address that is stored, in bytes.
const MaxEmail = 254 // RFC 5321, 4.5.3.1.3

// NormaliseEmail gives the form in which equal addresses are equal strings:
// NFC, lower case, the domain in its ASCII form (IDNA). It refuses what is no
// address of the form local@domain.
func NormaliseEmail(typed string) (string, error) {
	address := norm.NFC.String(strings.TrimSpace(typed))
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at == len(address)-1 || len(address) > MaxEmail || strings.ContainsAny(address, " \t\r\n<>\",;") {
		return "", invalidEmail()
	}
	domain, err := idna.Lookup.ToASCII(strings.ToLower(address[at+1:]))
	if err != nil || domain == deletedDomain || !strings.Contains(domain, ".") && domain != "localhost" {
		return "", invalidEmail()
	}
	normal := norm.NFC.String(strings.ToLower(address[:at])) + "@" + domain
	if parsed, err := mail.ParseAddress(normal); err != nil || parsed.Address != normal || len(normal) > MaxEmail {
		return "", invalidEmail()
	}
	return normal, nil
}

func invalidEmail() error {
	return messages.Invalid("/email", "format", "email must be an address like name@example.com")
}
