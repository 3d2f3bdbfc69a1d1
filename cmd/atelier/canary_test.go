package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"atelier/identity/seal"
	"atelier/test/services"
)

// canaries are secrets, by what they are, and where one was seen.
type canaries struct {
	mu      sync.Mutex
	secrets map[string]string
	sung    []string
}

func (c *canaries) keep(what, secret string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.secrets[secret] = what
	return secret
}

// hear looks for all of them in something that was put out, but for those that are
// meant to be there.
func (c *canaries) hear(where, text string, meant ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
next:
	for secret, what := range c.secrets {
		for _, m := range meant {
			if strings.HasPrefix(what, m) {
				continue next
			}
		}
		if at := strings.Index(text, secret); at >= 0 {
			c.sung = append(c.sung, fmt.Sprintf("%s is told in %s: …%.60q…", what, where, text[max(0, at-40):min(len(text), at+20)]))
		}
	}
}

// listening hears every reply. Tokens are meant to be in the replies that give them
// out, and there alone.
type listening struct {
	http.RoundTripper
	c *canaries
}

func (l listening) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := l.RoundTripper.RoundTrip(r)
	if err != nil {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	var meant []string
	switch r.URL.Path {
	case api + "/auth/login", api + "/auth/refresh":
		meant = []string{"token", "csrf"}
	case api + "/auth/session":
		meant = []string{"csrf"}
	case api + "/users/me/invitations":
		meant = []string{"link"}
	case api + "/realtime/tickets":
		meant = []string{"ticket"}
	}
	if strings.HasPrefix(r.URL.Path, api+"/invitations/") && response.StatusCode >= 400 {
		meant = []string{"link"} // the problem names the path that was asked for, to who asked
	}
	var head bytes.Buffer
	_ = response.Header.Write(&head)
	l.c.hear("the reply to "+r.Method+" "+r.URL.Path, head.String()+string(body), meant...)
	return response, err
}

// password is that of a URL.
func (c *canaries) password(what, address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return address
	}
	if secret, set := u.User.Password(); set && len(secret) > 8 {
		c.keep(what, secret)
	}
	return address
}

// TestNoSecretIsTold runs all flows, at debug level and with all that can be attached,
// and looks for what they were given and what they gave in all that comes out: logs,
// replies, problems, redirects, events, the audit, messages, traces, metrics, what
// operators see, and the database itself.
func TestNoSecretIsTold(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		c := &canaries{secrets: map[string]string{}}
		logs := &logbook{}
		traces, endpoint := startCollector(t)
		keyspace := services.Redis(t)
		broker, redis := c.password("the broker's password", services.RabbitMQ(t).URL()), c.password("Redis' password", keyspace.URL()+"?prefix="+keyspace.Prefix())
		store.MasterKey = c.keep("the master key", seal.Generate())
		raw, err := base64.StdEncoding.DecodeString(store.MasterKey)
		require.NoError(t, err)
		c.keep("the master key's bytes", string(raw))
		c.password("the database's password", store.DatabaseURL)
		p := startWith(t, store, func(s *settings) {
			verifying(s)
			s.OTLPEndpoint, s.TraceShare, s.AMQPURL, s.RedisURL = endpoint, 1, broker, redis
			s.RateLimits, s.RateLimitMinute, s.RateLimitHour = "on", mostLimit, mostLimit
			if !store.embedded() {
				s.ClusterName, s.ClusterAddr, s.GossipAddr, s.ClusterPreset = "canary", "127.0.0.1:0", "127.0.0.1:0", "local"
				s.ClusterKey = c.keep("the gossip's key", seal.Generate())
			}
		}, logs)
		root := admin(t, p)
		root.http.Transport = listening{root.http.Transport, c}
		sing(t, p, c, root)

		for _, where := range []string{"/events?limit=100", "/audit?limit=100", "/users?limit=100", "/cluster", "/audit/verify"} {
			for path := where; ; {
				page := root.get(path).want(t, 200)
				next := page.text("next_cursor")
				if next == "" || len(page.items()) == 0 {
					break
				}
				path = where + "&cursor=" + url.QueryEscape(next)
			}
		}
		ops := &client{t: t, base: p.ops}
		for _, path := range []string{"/metrics", "/cluster", "/outbox", "/readyz"} {
			c.hear(path+" of the operations listener", string(ops.do("GET", path, nil).body))
		}
		require.Eventually(t, func() bool { return unsent(t, p) == 0 }, 20*time.Second, 10*time.Millisecond)
		c.hear("messages", drained(t, broker, "user.created", "project.created", "notification.email"))
		require.NoError(t, p.stop())
		c.hear("the log", logs.String())
		require.Contains(t, logs.String(), "level=DEBUG msg=request")
		for _, span := range traces.all {
			c.hear("a trace", span.String())
		}
		require.NotEmpty(t, traces.all)
		var said bytes.Buffer
		require.NoError(t, (&keysListCommand{storeSettings: store}).print(t.Context(), &said))
		backup := filepath.Join(t.TempDir(), "backup")
		require.NoError(t, (&backupCommand{store, backup}).write(t.Context(), &said))
		c.hear("the command line", said.String())
		require.NoError(t, eachPart(backup, func(name string, content io.Reader) error {
			all, err := io.ReadAll(content)
			c.hear("the database: "+name, string(all))
			return err
		}))
		require.Empty(t, c.sung, "%s", strings.Join(c.sung, "\n"))
		require.Greater(t, len(c.secrets), 25)
		c.hear("a test", "Bearer "+root.token) // it would be heard
		require.NotEmpty(t, c.sung)
	})
}

// sing runs the flows, well and badly.
func sing(t *testing.T, p *program, c *canaries, root *client) {
	guest := *root
	guest.token = ""
	password := func(what string) string { return c.keep("password: "+what, "canary "+what+" "+seal.Generate()[:12]) }
	tokens := func(whose string, a *answer) *client {
		s := guest.took(a.want(t, 200))
		c.keep("token: access of "+whose, s.token)
		c.keep("token: refresh of "+whose, s.refresh)
		return s
	}
	tokens("root", guest.post("/auth/login", object{"email": root.email, "password": goodPassword}))
	c.keep("token: access of root, first", root.token)
	link := func(to, kind string, n int) string {
		return c.keep("link: "+kind+" "+to, p.mailed(t, to, kind, n).token(t))
	}
	join := func(name string) *client {
		email, first := name+"@example.com", password("of "+name)
		guest.post("/auth/register", object{"email": email, "name": name, "password": first}).want(t, 202)
		guest.post("/auth/register", object{"email": email, "name": name, "password": "short " + c.keep("password: weak", seal.Generate()[:6])})
		guest.post("/auth/login", object{"email": email, "password": first}).refused(t, 403, "email_unverified")
		verify := link(email, "verify_email", 1)
		guest.do("GET", "/verify-email?token="+verify, nil).want(t, 200)
		guest.post("/auth/verify-email", object{"token": verify}).want(t, 200)
		guest.post("/auth/verify-email", object{"token": verify}).refused(t, 410, "link_expired")
		guest.post("/auth/login", object{"email": email, "password": password("wrong")}).refused(t, 401, "invalid_credentials")
		s := tokens(name, guest.post("/auth/login", object{"email": email, "password": first}))
		s.email = email
		s.post("/auth/reauthenticate", object{"password": password("wrong proof")}).refused(t, 401, "invalid_credentials")
		s.post("/auth/reauthenticate", object{"password": first}).want(t, 200)
		next := password("second of " + name)
		s.post("/users/me/password", object{"current_password": first, "new_password": next}).want(t, 204)
		s.post("/users/me/password", object{"current_password": first, "new_password": next}).refused(t, 401, "invalid_credentials")
		guest.post("/auth/password/forgot", object{"email": email}).want(t, 202)
		reset := link(email, "reset_password", 1)
		guest.post("/auth/password/reset", object{"token": reset, "password": "short"})
		third := password("third of " + name)
		guest.post("/auth/password/reset", object{"token": reset, "password": third}).want(t, 204)
		s = tokens(name, guest.post("/auth/login", object{"email": email, "password": third}))
		s.email = email
		s = tokens(name+" refreshed", guest.post("/auth/refresh", object{"refresh_token": s.refresh}))
		s.email = email
		s.post("/auth/reauthenticate", object{"password": third}).want(t, 200)
		return s
	}
	ada, bob := join("ada"), join("bob")
	ada.post("/users/me/email", object{"new_email": "ada@other.example"}).want(t, 202)
	guest.post("/auth/confirm-email", object{"token": link("ada@example.com", "confirm_email", 1)}).want(t, 200)
	guest.post("/auth/confirm-email", object{"token": link("ada@other.example", "confirm_new_email", 1)}).want(t, 200)

	project := "/projects/" + ada.post("/projects", object{"name": "Harbour"}, "Idempotency-Key: k").created(t).text("id")
	ada.post(project+"/invitations", object{"email": bob.email, "role": "viewer"}).want(t, 202)
	invitation := link(bob.email, "invitation", 1)
	guest.get("/invitations/"+invitation).want(t, 200)
	bob.get("/users/me/invitations").want(t, 200)
	ada.post("/invitations/"+invitation+"/accept", nil).refused(t, 403, "forbidden")
	ada.post("/invitations/"+invitation+"/decline", nil).refused(t, 403, "forbidden")
	bob.post("/invitations/"+invitation+"/accept", nil).want(t, 200)
	bob.post("/invitations/"+invitation+"/accept", nil).refused(t, 410, "link_expired")
	ada.post(project+"/transfer", object{"user_id": bob.user}).want(t, 200)
	bob.post(project+"/transfer/accept", nil).want(t, 200)
	bob.get(project+"/events").want(t, 200)
	bob.get(project+"/activity").want(t, 200)

	made := root.post("/users", object{"email": "made@example.com", "name": "Made"}).created(t).text("id")
	guest.post("/auth/password/reset", object{"token": link("made@example.com", "set_password", 1), "password": password("of made")}).want(t, 204)
	root.post("/users/"+made+"/suspend", object{"reason": "x"}).want(t, 200)

	browser := guest.post("/auth/login", object{"email": root.email, "password": goodPassword, "cookie": true}).want(t, 200)
	jar := []string{}
	for name, cookie := range browser.cookies() {
		c.keep("token: cookie "+name, cookie.Value)
		jar = append(jar, name+"="+cookie.Value)
	}
	csrf := c.keep("csrf token", browser.text("csrf_token"))
	cookies := "Cookie: " + strings.Join(jar, "; ")
	guest.get("/auth/session", cookies).want(t, 200)
	guest.post("/projects", object{"name": "x"}, cookies).refused(t, 403, "csrf_failed")
	guest.post("/projects", object{"name": "x"}, cookies, "X-CSRF-Token: "+csrf).created(t)
	guest.post("/auth/refresh", object{}, cookies).want(t, 200)

	ticket := c.keep("ticket", ada.post("/realtime/tickets", object{}).created(t).text("ticket"))
	for _, code := range []int{0, 4501} { // it is good once
		l, err := dialRealtime(t, p, "?ticket="+ticket)
		require.NoError(t, err)
		if code > 0 {
			require.Equal(t, code, l.closed())
			continue
		}
		require.Equal(t, ada.session, l.ask(object{"op": "hello"}).at("hello").text("session"))
		require.Equal(t, "invalid_token", l.ask(object{"op": "token", "token": c.keep("a token that is none", "x."+seal.Generate())}).problem())
		require.NoError(t, l.conn.CloseNow())
	}
	ada.get("/users/me?ticket="+ticket).refused(t, 400, "validation_failed")
	ada.get("/realtime?ticket="+ticket).refused(t, 400, "validation_failed")

	// Where secrets do not belong.
	ada.get("/users/me?access_token=" + ada.token)
	ada.get("/users/" + ada.user + "?token=" + ada.refresh)
	guest.get("/users/me", "Authorization: Basic "+ada.token)
	guest.get("/users/me", "Authorization: Bearer "+ada.refresh).refused(t, 401, "invalid_token")
	guest.post("/auth/login", `{"email":"`+ada.email+`","password":"`+password("in no JSON")+`"`)
	guest.post("/auth/login", object{"email": ada.email, "passwort": password("of another field")})
	guest.post("/auth/login", object{"email": password("for an address"), "password": "x"})
	guest.post("/auth/password/check", object{"password": password("judged")}).want(t, 200)
	guest.do("OPTIONS", api+"/users/me", nil, "Origin: https://evil.example", "Authorization: Bearer "+ada.token)
	ada.get("/users/me/export").want(t, 200)
	ada.delete("/users/me").want(t, 204)
	bob.post("/auth/logout", nil).want(t, 204)
}

// drained is all that waits in queues.
func drained(t *testing.T, broker string, queues ...string) string {
	t.Helper()
	conn, err := amqp.Dial(broker)
	require.NoError(t, err)
	defer func() { _ = conn.CloseDeadline(time.Now().Add(time.Second)) }()
	channel, err := conn.Channel()
	require.NoError(t, err)
	var all strings.Builder
	for _, queue := range queues {
		for {
			d, ok, err := channel.Get(queue, true)
			require.NoError(t, err)
			if !ok {
				break
			}
			fmt.Fprintln(&all, d.RoutingKey, d.Headers, string(d.Body))
		}
	}
	return all.String()
}
