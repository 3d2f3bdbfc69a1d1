package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// limitedTo are settings that let callers make so many requests in a minute, and
// users so many.
func limitedTo(anybody, users int) func(*settings) {
	return func(c *settings) {
		c.RateLimits, c.RateLimitMinute, c.RateLimitHour = "on", anybody, 1000
		c.RateLimitUserMinute, c.TrustedProxies = users, "127.0.0.1"
	}
}

// TestCallersAreLimited over a real connection, through a proxy that is trusted.
func TestCallersAreLimited(t *testing.T) {
	t.Parallel()
	p := startWith(t, engines["embedded"](t), limitedTo(10, 30))
	nobody := p.client(t)
	from := func(address string) *answer { return nobody.do("GET", "/problems", nil, "X-Forwarded-For: "+address) }
	for i := range 10 {
		a := from("198.51.100.1").want(t, 200)
		require.Contains(t, a.header.Get("RateLimit"), `"minute";r=`+strconv.Itoa(9-i)+";")
		require.Equal(t, `"minute";q=10;w=60, "hour";q=1000;w=3600`, a.header.Get("RateLimit-Policy"))
	}
	refused := from("198.51.100.1").refused(t, 429, "rate_limited")
	wait, err := strconv.Atoi(refused.header.Get("Retry-After"))
	require.NoError(t, err)
	require.True(t, 0 < wait && wait <= 61)
	from("198.51.100.2").want(t, 200)

	ada := signUp(t, p, "ada")
	for range 30 {
		ada.get("/users/me", "X-Forwarded-For: 198.51.100.1").want(t, 200)
	}
	ada.get("/users/me", "X-Forwarded-For: 198.51.100.3").refused(t, 429, "rate_limited")
	ada.signIn(t).get("/users/me").refused(t, 429, "rate_limited") // another session is the same caller
	session := ada.nobody().get("/users/me/sessions", "X-Forwarded-For: 198.51.100.4")
	session.refused(t, 401, "unauthenticated")
	signUp(t, p, "bob").get("/users/me").want(t, 200)

	metrics := (&client{t: t, base: p.ops}).do("GET", "/metrics", nil).want(t, 200)
	require.Contains(t, string(metrics.body), `atelier_rate_limited_total{budget="user"} 2`)
	require.Contains(t, string(metrics.body), `atelier_rate_limited_total{budget="address"} 1`)
}

// TestSessionsAreFromTheClient, and not from the proxy.
func TestSessionsAreFromTheClient(t *testing.T) {
	t.Parallel()
	p := startWith(t, engines["embedded"](t), limitedTo(100, 100))
	ada := signUp(t, p, "ada")
	login := ada.post("/auth/login", object{"email": ada.email, "password": goodPassword}, "X-Forwarded-For: 6.6.6.6, 198.51.100.7").want(t, 200)
	require.Equal(t, "198.51.100.7", ada.took(login).get("/auth/session").want(t, 200).object()["session"].(object)["ip"])
}

// TestStrangersLockNobodyOut: whoever fails on purpose, the device that has signed in
// before still does.
func TestStrangersLockNobodyOut(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startWith(t, store, limitedTo(1000, 1000))
		ada := signUp(t, p, "ada")
		login := func(password, address, cookie string) *answer {
			return ada.nobody().post("/auth/login", object{"email": ada.email, "password": password}, "X-Forwarded-For: "+address, "Cookie: "+cookie)
		}
		first := login(goodPassword, "198.51.100.1", "").want(t, 200)
		set := first.header.Get("Set-Cookie")
		require.Regexp(t, `^atelier_device=[\w-]+; max-age=31536000; path=/; HttpOnly; SameSite=Lax$`, set)
		cookie, _, _ := strings.Cut(set, ";")

		answers := together(15, func(i int) *answer { return login("a wrong password", fmt.Sprintf("203.0.113.%d", i), "") })
		require.Equal(t, map[int]int{401: 10, 429: 5}, statuses(answers))
		refused := login(goodPassword, "203.0.113.200", "").refused(t, 429, "too_many_attempts")
		wait, err := strconv.Atoi(refused.header.Get("Retry-After"))
		require.NoError(t, err)
		require.InDelta(t, 900, wait, 60)
		login("a wrong password", "203.0.113.200", cookie).refused(t, 401, "invalid_credentials")
		login(goodPassword, "203.0.113.200", cookie).want(t, 200)
		login(goodPassword, "198.51.100.1", "").want(t, 200) // a session is open from there

		nobody := p.client(t)
		for range 10 {
			nobody.post("/auth/login", object{"email": "nobody@example.com", "password": "x"}).refused(t, 401, "invalid_credentials")
		}
		nobody.post("/auth/login", object{"email": "Nobody@Example.com", "password": "x"}).refused(t, 429, "too_many_attempts")

		require.NoError(t, p.stop())
		p = startWith(t, store, limitedTo(1000, 1000))
		ada = p.client(t).as(ada)
		login(goodPassword, "203.0.113.201", "").refused(t, 429, "too_many_attempts") // after a restart too
	})
}

// TestSocketsAreCounted: those of a user on a node, whatever they are for and however he
// has said who he is.
func TestSocketsAreCounted(t *testing.T) {
	t.Parallel()
	p := startWith(t, engines["embedded"](t), func(c *settings) {
		limitedTo(1000, 1000)(c)
		c.SocketLimitUser = 2
	})
	ada := signUp(t, p, "ada")
	first := ada.listen(t, p)
	ada.listen(t, p)
	third, err := dialRealtime(t, p, "", "Authorization: Bearer "+ada.token)
	require.NoError(t, err)
	require.Equal(t, 4429, third.closed())
	told, err := dialRealtime(t, p, "")
	require.NoError(t, err)
	told.send(object{"id": 1, "op": "hello", "token": ada.token})
	require.Equal(t, 4429, told.closed())
	_, path := newProject(t, ada)
	ada.get(path+"/events", "Accept: text/event-stream").refused(t, 429, "rate_limited")
	signUp(t, p, "bob").listen(t, p)

	require.NoError(t, first.conn.CloseNow())
	require.Eventually(t, func() bool {
		again, err := dialRealtime(t, p, "", "Authorization: Bearer "+ada.token)
		require.NoError(t, err)
		_ = again.conn.Write(t.Context(), websocket.MessageText, []byte(`{"id":1,"op":"hello"}`))
		return again.search(func(a *answer) bool { return a.number("re") == 1 }) != nil
	}, patience, 100*time.Millisecond, "there is room again")
	metrics := (&client{t: t, base: p.ops}).do("GET", "/metrics", nil).want(t, 200)
	require.Contains(t, string(metrics.body), `atelier_rate_limited_total{budget="sockets"}`)
}

// TestMailsAreCounted by what they are for: who has used up one kind keeps nobody from
// his password, and what is refused counts for nothing.
func TestMailsAreCounted(t *testing.T) {
	t.Parallel()
	p := startWith(t, engines["embedded"](t), func(c *settings) {
		limitedTo(1000, 1000)(c)
		verifying(c)
	})
	boss, ada := admin(t, p), admin(t, p)
	nobody := ada.nobody()
	ask := func(path string) *answer { return nobody.post("/auth/"+path, object{"email": ada.email}) }
	for range 5 {
		ask("verify-email/resend").want(t, 202)
	}
	ask("verify-email/resend").refused(t, 429, "too_many_attempts")
	ask("password/forgot").want(t, 202)

	register := func(password string) *answer {
		return nobody.post("/auth/register", object{"email": "eve@example.org", "name": "Eve", "password": password})
	}
	for range 6 {
		register("short").refused(t, 422, "weak_password")
	}
	register(goodPassword).want(t, 202)

	_, project := newProject(t, boss)
	invite := func(by *client) *answer {
		return by.post(project+"/invitations", object{"email": "bob@example.org", "role": "viewer"})
	}
	for range 6 {
		invite(ada).refused(t, 404, "not_found")
	}
	invite(boss).want(t, 202)

	made := boss.post("/users", object{"email": "carol@example.org", "name": "Carol"}).created(t).text("id")
	for range 5 {
		boss.post("/users/"+made+"/resend-mail", nil).want(t, 202)
	}
	boss.post("/users/"+made+"/resend-mail", nil).refused(t, 429, "too_many_attempts")

	for range 8 { // the same request mails once, and counts once
		boss.post("/users", object{"email": "dora@example.org", "name": "Dora"}, "Idempotency-Key: dora").created(t)
	}
}
