package main

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/test/services"
)

// logbook keeps what a server logs.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestNoSecretIsLogged runs the flows at debug level, well and badly, with the
// database and without, and looks for what they were given and what they gave.
func TestNoSecretIsLogged(t *testing.T) {
	t.Parallel()
	pg := services.OwnPostgres(t)
	key := strings.Repeat("canary key ", 3)[:32]
	store := storeSettings{DataDir: t.TempDir(), DatabaseURL: pg.URL("test"), MasterKey: base64.StdEncoding.EncodeToString([]byte(key))}
	logs := &logbook{}
	p := startProgram(t, store, logs)
	secrets := []string{store.MasterKey, key, "$argon2id"}
	place, err := url.Parse(store.DatabaseURL)
	require.NoError(t, err)
	if password, set := place.User.Password(); set {
		secrets = append(secrets, ":"+password+"@", "password="+password)
	}
	canary := func(word string) string {
		secrets = append(secrets, "canary-"+word)
		return "canary-" + word + " of some length"
	}
	keep := func(c *client) *client {
		secrets = append(secrets, c.token, c.refresh, c.token[strings.LastIndex(c.token, ".")+1:])
		return c
	}
	flows := func() {
		c := p.client(t)
		first := canary("first-password")
		email := "canary@example.com"
		c.post("/auth/register", object{"email": email, "name": "Ada", "password": first})
		c.post("/auth/register", object{"email": email, "name": "Ada", "password": "short " + canary("weak")[:9]})
		c.post("/auth/login", object{"email": email, "password": canary("wrong-password")})
		c.post("/auth/login", `{"email":"`+email+`","password":"`+canary("malformed")+`"`)
		c.post("/auth/login", object{"email": email, "passwort": canary("unknown-field")})
		c.post("/auth/login?token="+canary("query")[:12], object{})
		c.post("/auth/password/check", object{"password": canary("checked")})
		c.post("/auth/password/forgot", object{"email": email})
		c.post("/auth/password/reset", object{"token": canary("link"), "password": canary("reset-password")})
		c.post("/auth/verify-email", object{"token": canary("verification")})
		c.do("GET", "/verify-email?token="+canary("opened-link")[:18], nil)
		c.post("/auth/refresh", object{"refresh_token": "atl_rt_" + canary("refresh")})
		c.get("/users/me", "Authorization: Bearer "+canary("bearer"))
		c.get("/users/me", "Authorization: Basic "+canary("basic"), "Cookie: session="+canary("cookie"))
		c.get("/projects/" + "x?access_token=" + canary("query-token")[:18])
		c.do("BREW", "/?"+canary("method")[:13], nil)
		login := c.post("/auth/login", object{"email": email, "password": first})
		if login.status != 200 {
			return
		}
		ada := keep(c.took(login))
		ada = keep(ada.took(ada.post("/auth/refresh", object{"refresh_token": ada.refresh})))
		ada.post("/projects", object{"name": "Harbour"}, "Idempotency-Key: k")
		ada.post("/auth/reauthenticate", object{"password": canary("proof")})
		ada.post("/auth/reauthenticate", object{"password": first}).want(t, 200)
		ada.post("/users/me/email", object{"new_email": "canary@other.example"}).want(t, 202)
		secrets = append(secrets, p.mailed(t, email, "confirm_email", 1).token(t), p.mailed(t, email, "reset_password", 1).token(t))
		second := canary("second-password")
		ada.post("/users/me/password", object{"current_password": first, "new_password": second}).want(t, 204)
		ada.post("/auth/logout", nil).want(t, 204)
	}
	flows()
	pg.Crash()
	flows()
	pg.Restart(t)
	require.Eventually(t, func() bool { return p.client(t).do("GET", "/readyz", nil).status == 200 }, time.Minute, 50*time.Millisecond)

	logged := logs.String()
	require.Contains(t, logged, "path=/api/v1/auth/login", "requests are logged at this level")
	require.Contains(t, logged, "level=DEBUG")
	for _, secret := range secrets {
		require.NotContains(t, logged, secret)
	}
	require.True(t, strings.Contains(leak(secrets[len(secrets)-1]), secrets[len(secrets)-1]), "the search finds what is there")
}

// leak is the log of a server that is careless.
func leak(secret string) string {
	logs := &logbook{}
	slog.New(slog.NewTextHandler(logs, nil)).Info("a request", "authorization", "Bearer "+secret)
	return logs.String()
}
