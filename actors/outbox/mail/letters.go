package mail

import (
	"bytes"
	"embed"
	"fmt"
	html "html/template"
	"strings"
	"text/template"
	"time"

	"atelier/actors/store"
	"atelier/messages"
)

// Config of the mails' texts.
type Config struct {
	From string // address, or name and address
	Site string // URL that links begin with
}

// Links makes the tokens of links.
type Links interface {
	MintLink(purpose, owner, id string) (string, error)
}

// Message is a mail in words.
type Message struct {
	ID      string
	Kind    string
	From    string
	To      string
	Subject string
	Text    string
	HTML    string
	Date    time.Time
}

// letter is what a kind of mail says: the same words as text and as HTML.
type letter struct {
	subject string
	before  []string // paragraphs
	purpose string   // of its link; empty: there is none
	page    string   // that the link leads to
	action  string   // what the link does
	after   []string
}

const ignore = "If you did not ask for this, you need do nothing: without the link nothing changes."

var letters = map[string]letter{
	messages.MailVerifyEmail: {
		subject: "Confirm your address",
		before:  []string{"Welcome. Somebody, we hope you, made an account with this address. Confirm that it is yours to sign in."},
		purpose: messages.LinkVerify, page: "/verify-email", action: "Confirm the address",
		after: []string{"The link works once, until {{.Expires}}.", "If you did not make an account, ignore this mail: nobody can sign in to it."},
	},
	messages.MailSetPassword: {
		subject: "An account was made for you",
		before:  []string{"An administrator made an account for this address. Choose a password to begin with."},
		purpose: messages.LinkReset, page: "/reset-password", action: "Choose a password",
		after: []string{"The link works once, until {{.Expires}}."},
	},
	messages.MailAccountExists: {
		subject: "You have an account already",
		before: []string{
			"Somebody tried to make an account with this address, which has one already. Nothing was changed.",
			"If it was you: sign in, or have a new password mailed if you forgot yours.",
			"If it was not you, you need do nothing.",
		},
	},
	messages.MailResetPassword: {
		subject: "Choose a new password",
		before:  []string{"Somebody, we hope you, asked for a new password for the account with this address."},
		purpose: messages.LinkReset, page: "/reset-password", action: "Choose a new password",
		after: []string{"The link works once, until {{.Expires}}. With a new password all devices are signed out.", ignore},
	},
	messages.MailPasswordChanged: {
		subject: "Your password was changed",
		before: []string{
			"The password of your account was just changed by a link in a mail to this address. All devices are signed out.",
			"If it was not you, somebody reads your mail: change the password of your mailbox, then have a new one mailed for this account.",
		},
	},
	messages.MailConfirmEmail: {
		subject: "Confirm the change of your address",
		before:  []string{"The address of your account is to become {{.About}}. Both addresses have to confirm; this is the link for the present one."},
		purpose: messages.LinkConfirmEmail, page: "/confirm-email", action: "Confirm the change",
		after: []string{"The link works once, until {{.Expires}}.", "If you did not ask for this, do not use the link, and change your password: somebody is signed in as you."},
	},
	messages.MailConfirmNewEmail: {
		subject: "Confirm your new address",
		before:  []string{"An account is to have this address, {{.About}}. Confirm that it is yours."},
		purpose: messages.LinkConfirmEmail, page: "/confirm-email", action: "Confirm the address",
		after: []string{"The link works once, until {{.Expires}}.", ignore},
	},
	messages.MailInvitation: {
		subject: "You are invited to a project",
		before:  []string{"{{.By}} invites you to the project “{{.About}}”, as {{.Role}}."},
		purpose: messages.LinkInvitation, page: "/invitation", action: "See the invitation",
		after: []string{"The invitation is for this address alone, until {{.Expires}}. Sign in with an account that has it, or make one.", "If you do not know who that is, you need do nothing."},
	},
	messages.MailOwnershipOffer: {
		subject: "A project is offered to you",
		before:  []string{"{{.By}} wants you to be the owner of the project “{{.About}}”. Sign in to accept or to decline; until {{.Expires}} nothing changes."},
	},
	messages.MailWelcome: {
		subject: "Welcome",
		before: []string{
			"Your account is ready: sign in with this address.",
			"Projects that you begin are yours, and you decide who works on them. Those that you are invited to wait for you where you sign in.",
		},
		after: []string{"If you did not make an account, somebody used your address: have a new password mailed, and the account is yours alone."},
	},
	messages.MailEmailChanged: {
		subject: "Your address was changed",
		before: []string{
			"Your account now has the address {{.About}}. Sign in with that from now on; this one is not used any more.",
		},
	},
}

//go:embed layout.html layout.txt
var layouts embed.FS

// Letters writes mails.
type Letters struct {
	config Config
	links  Links
	text   *template.Template
	html   *html.Template
}

func newLetters(c Config, l Links) *Letters {
	return &Letters{
		config: c, links: l,
		text: template.Must(template.New("layout.txt").Funcs(template.FuncMap{"wrap": wrap}).ParseFS(layouts, "layout.txt")),
		html: html.Must(html.ParseFS(layouts, "layout.html")),
	}
}

// filled is a letter with everything in its place.
type filled struct {
	Subject, Greeting, Action, Link, Site string
	Before, After                         []string
}

// compose writes a mail. An error is a defect, or a kind that this program does not
// know.
func (l *Letters) compose(m store.Mail, p *messages.MailParams) (*Message, error) {
	letter, known := letters[m.Kind]
	if !known {
		return nil, fmt.Errorf("mail: no letter of kind %q", m.Kind)
	}
	f := filled{Subject: oneLine(letter.subject, m, p), Greeting: greeting(p.GetName()), Action: letter.action, Site: l.config.Site}
	for _, paragraph := range letter.before {
		f.Before = append(f.Before, oneLine(paragraph, m, p))
	}
	for _, paragraph := range letter.after {
		f.After = append(f.After, oneLine(paragraph, m, p))
	}
	if letter.purpose != "" {
		token, err := l.links.MintLink(letter.purpose, p.GetOwner(), p.GetLinkId())
		if err != nil {
			return nil, err
		}
		f.Link = l.config.Site + letter.page + "?token=" + token
	}
	var text, page bytes.Buffer
	if err := l.text.Execute(&text, f); err != nil {
		return nil, err
	}
	if err := l.html.Execute(&page, f); err != nil {
		return nil, err
	}
	return &Message{
		ID: m.ID, Kind: m.Kind, From: l.config.From, To: m.To, Subject: f.Subject, Text: text.String(), HTML: page.String(), Date: m.Created,
	}, nil
}

// oneLine fills in a sentence. Whatever people have written stays in its line.
func oneLine(sentence string, m store.Mail, p *messages.MailParams) string {
	filled := strings.NewReplacer(
		"{{.Expires}}", m.Expires.UTC().Format("2 January 2006, 15:04 MST"),
		"{{.About}}", quiet(p.GetAbout()), "{{.By}}", quiet(p.GetBy()), "{{.Role}}", p.GetRole(),
	).Replace(sentence)
	return strings.Join(strings.Fields(filled), " ")
}

// greeting names the one whom a mail is to. Names that could be read as an address
// of the web are left out: whoever registers chooses a name, and a stranger's
// address to mail it to.
func greeting(name string) string {
	if name = strings.Join(strings.Fields(name), " "); name == "" || strings.ContainsAny(name, "/:@<>") || strings.Contains(name, "www.") || dotted(name) {
		return "Hello,"
	}
	return "Hello " + name + ","
}

// quiet is a text of somebody that no mail reader makes a link of, but for mail
// addresses.
func quiet(text string) string {
	text = strings.ReplaceAll(text, "://", ": ")
	return strings.ReplaceAll(text, "www.", "www ")
}

// dotted reports whether a point stands within a word, as in a name of a host.
func dotted(name string) bool {
	for _, word := range strings.Fields(name) {
		if i := strings.IndexByte(word, '.'); i > 1 && i < len(word)-1 {
			return true
		}
	}
	return false
}

// wrap breaks a paragraph into lines that all readers show whole.
func wrap(paragraph string) string {
	const width = 72
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(paragraph) {
		n := len([]rune(word))
		switch {
		case column == 0:
		case column+1+n > width:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}
