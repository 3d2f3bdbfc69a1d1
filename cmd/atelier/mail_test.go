package main

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// verifying has addresses proved.
func verifying(c *settings) { c.Verification = "on" }

// opened is a mail as its reader finds it.
type openedMail struct {
	to, subject, kind string
	text, html        string
	source            string
}

// mails are those to an address that came, the oldest first.
func (p *program) mails(t testing.TB, to string) (all []openedMail) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(p.mail, "*.eml"))
	require.NoError(t, err)
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		if m := openMail(t, string(source)); strings.EqualFold(m.to, to) {
			all = append(all, m)
		}
	}
	return all
}

func openMail(t testing.TB, source string) openedMail {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(source))
	require.NoError(t, err)
	to, err := m.Header.AddressList("To")
	require.NoError(t, err)
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	require.NoError(t, err)
	kind, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/alternative", kind)
	opened := openedMail{to: to[0].Address, subject: subject, kind: m.Header.Get("X-Atelier-Mail"), source: source}
	for parts := multipart.NewReader(m.Body, parameters["boundary"]); ; {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return opened
		}
		require.NoError(t, err)
		text, err := io.ReadAll(part)
		require.NoError(t, err)
		switch kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type")); kind {
		case "text/plain":
			opened.text = string(text)
		case "text/html":
			opened.html = string(text)
		default:
			t.Errorf("a part of type %s", kind)
		}
	}
}

// mailed waits for the n-th mail of a kind to an address.
func (p *program) mailed(t testing.TB, to, kind string, n int) (found openedMail) {
	t.Helper()
	require.Eventually(t, func() bool {
		count := 0
		for _, m := range p.mails(t, to) {
			if m.kind == kind {
				found = m
				count++
			}
		}
		return count >= n
	}, 20*time.Second, 10*time.Millisecond, "a mail %s to %s", kind, to)
	return found
}

var links = regexp.MustCompile(`http://atelier\.test/[a-z-]+\?token=([\w.-]+)`)

// token is that of the mail's link, which is whole in each part and in the source.
func (m openedMail) token(t testing.TB) string {
	t.Helper()
	link := links.FindStringSubmatch(m.text)
	require.NotNil(t, link, m.text)
	require.Contains(t, m.html, `href="`+link[0]+`"`)
	require.GreaterOrEqual(t, strings.Count(m.source, link[0]+"\r\n"), 1, "on a line of its own")
	return link[1]
}

const secondPassword = "the lamp behind the door"

// TestANewUser is the way of a new user: proves the address by the link of his mail,
// signs in, forgets the password and chooses another, and changes his address.
func TestANewUser(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startWith(t, store, verifying)
		c := p.client(t)
		email := "Ada.Lovelace@example.com"
		registered := c.post("/auth/register", object{"email": email, "name": "Ada", "password": goodPassword}).want(t, 202)
		require.JSONEq(t, `{"status":"verification_sent"}`, string(registered.body))
		login := func(password string) *answer {
			return c.post("/auth/login", object{"email": email, "password": password})
		}
		login(goodPassword).refused(t, 403, "email_unverified")
		login("not the password").refused(t, 401, "invalid_credentials")

		token := p.mailed(t, email, "verify_email", 1).token(t)
		user := c.post("/auth/verify-email", object{"token": token}).want(t, 200)
		require.Equal(t, "active", user.text("status"))
		require.Equal(t, email, user.text("email"))
		c.post("/auth/verify-email", object{"token": token}).refused(t, 410, "link_expired")
		c.email = email
		ada := c.took(login(goodPassword).want(t, 200))

		c.post("/auth/password/forgot", object{"email": strings.ToUpper(email)}).want(t, 202)
		reset := p.mailed(t, email, "reset_password", 1).token(t)
		c.post("/auth/verify-email", object{"token": reset}).refused(t, 410, "link_expired")
		c.post("/auth/password/reset", object{"token": reset, "password": "short"}).refused(t, 422, "weak_password")
		ada.get("/users/me").want(t, 200)
		c.post("/auth/password/reset", object{"token": reset, "password": secondPassword}).want(t, 204)
		ada.get("/users/me").refused(t, 401, "session_revoked")
		c.post("/auth/refresh", object{"refresh_token": ada.refresh}).refused(t, 401, "session_revoked")
		c.post("/auth/password/reset", object{"token": reset, "password": goodPassword}).refused(t, 410, "link_expired")
		login(goodPassword).refused(t, 401, "invalid_credentials")
		ada = c.took(login(secondPassword).want(t, 200))
		p.mailed(t, email, "password_changed", 1)

		next := "ada@other.example"
		ada.post("/users/me/email", object{"new_email": next}).refused(t, 403, "step_up_required")
		ada.post("/auth/reauthenticate", object{"password": "wrong"}).refused(t, 401, "invalid_credentials")
		ada.post("/auth/reauthenticate", object{"password": secondPassword}).want(t, 200)
		ada.post("/users/me/email", object{"new_email": next}).want(t, 202)
		old, fresh := p.mailed(t, email, "confirm_email", 1).token(t), p.mailed(t, next, "confirm_new_email", 1).token(t)
		require.Equal(t, "waiting", c.post("/auth/confirm-email", object{"token": fresh}).want(t, 200).text("status"))
		c.post("/auth/confirm-email", object{"token": fresh}).refused(t, 410, "link_expired")
		require.Equal(t, email, ada.get("/users/me").text("email"), "both have to confirm")
		require.Equal(t, "changed", c.post("/auth/confirm-email", object{"token": old}).want(t, 200).text("status"))
		require.Equal(t, next, ada.get("/users/me").text("email"))
		login(secondPassword).refused(t, 401, "invalid_credentials")
		p.mailed(t, email, "email_changed", 1)
		c.post("/auth/login", object{"email": next, "password": secondPassword}).want(t, 200)
	})
}

// TestRegistrationTellsNothing: the reply is the same whether the address is new, has
// an account that is not proved, or one that is; the mail makes the difference.
func TestRegistrationTellsNothing(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startWith(t, store, verifying)
		c := p.client(t)
		register := func(email, name, password string) string {
			a := c.post("/auth/register", object{"email": email, "name": name, "password": password}, "X-Request-Id: r").want(t, 202)
			a.header.Del("Date")
			return string(a.body) + a.header.Get("Content-Length")
		}
		first := register("ada@example.com", "Mallory", goodPassword)
		old := p.mailed(t, "ada@example.com", "verify_email", 1).token(t)
		require.Equal(t, first, register("ADA@example.com", "Ada", secondPassword))
		fresh := p.mailed(t, "ada@example.com", "verify_email", 2).token(t)
		c.post("/auth/verify-email", object{"token": old}).refused(t, 410, "link_expired")
		require.Equal(t, "Ada", c.post("/auth/verify-email", object{"token": fresh}).want(t, 200).text("name"), "the later registration counts")
		c.post("/auth/login", object{"email": "ada@example.com", "password": goodPassword}).refused(t, 401, "invalid_credentials")
		c.post("/auth/login", object{"email": "ada@example.com", "password": secondPassword}).want(t, 200)

		require.Equal(t, first, register("ada@example.com", "Mallory", goodPassword))
		exists := p.mailed(t, "ada@example.com", "account_exists", 1)
		require.NotContains(t, exists.source, "token=")
		require.NotContains(t, exists.source, "Mallory")
		c.post("/auth/login", object{"email": "ada@example.com", "password": secondPassword}).want(t, 200)

		for _, path := range []string{"/auth/password/forgot", "/auth/verify-email/resend"} {
			var replies []string
			for _, email := range []string{"ada@example.com", "nobody@example.com", "no address", ""} {
				replies = append(replies, string(c.post(path, object{"email": email}).want(t, 202).body))
			}
			require.Equal(t, []string{replies[0], replies[0], replies[0], replies[0]}, replies)
		}
		p.mailed(t, "ada@example.com", "reset_password", 1)
		require.Empty(t, p.mails(t, "nobody@example.com"))
	})
}

// TestLinksWorkOnce: of fifty uses at one time of each link one succeeds.
func TestLinksWorkOnce(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startWith(t, store, verifying)
		c := p.client(t)
		email := "ada@example.com"
		c.post("/auth/register", object{"email": email, "name": "Ada", "password": goodPassword}).want(t, 202)
		token := p.mailed(t, email, "verify_email", 1).token(t)
		for _, bad := range []string{"", "x", token + "x", token[:len(token)-1], strings.ToUpper(token), strings.Replace(token, ".", "", 1), token[:43] + ".", "." + token[44:]} {
			c.post("/auth/verify-email", object{"token": bad}).refused(t, 410, "link_expired")
		}
		once := func(status int, answers []*answer) {
			require.Equal(t, map[int]int{status: 1, 410: 49}, statuses(answers))
		}
		once(200, together(50, func(int) *answer { return c.post("/auth/verify-email", object{"token": token}) }))
		c.post("/auth/password/forgot", object{"email": email}).want(t, 202)
		reset := p.mailed(t, email, "reset_password", 1).token(t)
		once(204, together(50, func(int) *answer {
			return c.post("/auth/password/reset", object{"token": reset, "password": secondPassword}, "Atelier-Timeout: 60000") // with the race detector hashing is slow
		}))
		ada := c.took(c.post("/auth/login", object{"email": email, "password": secondPassword}).want(t, 200))
		ada.post("/auth/reauthenticate", object{"password": secondPassword}).want(t, 200)
		ada.post("/users/me/email", object{"new_email": "ada@other.example"}).want(t, 202)
		confirm := p.mailed(t, email, "confirm_email", 1).token(t)
		once(200, together(50, func(int) *answer { return c.post("/auth/confirm-email", object{"token": confirm}) }))
	})
}

// TestWhatTheNewAddressTells: that an address has an account is not told to who
// changes to it, before he has shown that he reads its mail.
func TestWhatTheNewAddressTells(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada, bob := signUp(t, p, "ada"), signUp(t, p, "bob")
		ada.post("/auth/reauthenticate", object{"password": goodPassword}).want(t, 200)
		ada.post("/users/me/email", object{"new_email": bob.email}).want(t, 202)
		ada.post("/auth/confirm-email", object{"token": p.mailed(t, ada.email, "confirm_email", 1).token(t)}).want(t, 200)
		ada.post("/auth/confirm-email", object{"token": p.mailed(t, bob.email, "confirm_new_email", 1).token(t)}).refused(t, 409, "email_taken")
		require.Equal(t, ada.email, ada.get("/users/me").text("email"))
		require.Equal(t, bob.email, bob.get("/users/me").text("email"))
	})
}

// TestPasswordCheck judges as the policy does.
func TestPasswordCheck(t *testing.T) {
	t.Parallel()
	c := startProgram(t, engines["embedded"](t)).client(t)
	check := func(password string) *answer {
		return c.post("/auth/password/check", object{"password": password}).want(t, 200)
	}
	require.Equal(t, true, check("passwordpassword").object()["breached"])
	require.Equal(t, 0, check("passwordpassword").number("score"))
	require.NotEmpty(t, check("passwordpassword").list("suggestions"))
	require.Less(t, check("xkq7").number("score"), 2)
	require.Equal(t, false, check(goodPassword).object()["breached"])
	require.GreaterOrEqual(t, check(goodPassword).number("score"), 2)
}

// TestPagesOfLinks: the links in mails lead to pages that run nothing but their own
// script, and that keep the token to themselves.
func TestPagesOfLinks(t *testing.T) {
	t.Parallel()
	c := startProgram(t, engines["embedded"](t)).client(t)
	for _, path := range []string{"/verify-email", "/reset-password", "/confirm-email"} {
		page := c.do("GET", path+"?token=abc", nil).want(t, 200)
		require.Equal(t, "text/html; charset=utf-8", page.header.Get("Content-Type"))
		require.Contains(t, page.header.Get("Content-Security-Policy"), "default-src 'none'; script-src 'sha256-")
		require.Equal(t, "no-referrer", page.header.Get("Referrer-Policy"))
		require.NotContains(t, string(page.body), "abc")
	}
}
