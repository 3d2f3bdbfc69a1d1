package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// cookies are those with tokens that a reply sets, by name.
func (a *answer) cookies() map[string]*http.Cookie {
	set := map[string]*http.Cookie{}
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if !strings.HasSuffix(c.Name, "atelier_device") { // by which failures to sign in are counted
			set[c.Name] = c
		}
	}
	return set
}

// TestCookies: scripts cannot read the tokens, and another site's page cannot write.
func TestCookies(t *testing.T) {
	t.Parallel()
	for url, prefix := range map[string]string{"http://atelier.test": "", "https://atelier.test": "__Host-"} {
		p := startWith(t, engines["embedded"](t), func(c *settings) { c.PublicURL = url })
		ada := signUp(t, p, "ada").nobody()
		login := ada.post("/auth/login", object{"email": ada.email, "password": goodPassword, "cookie": true}).want(t, 200)
		require.NotContains(t, string(login.body), "atl_rt_")
		require.Nil(t, login.object()["access_token"])
		set := login.cookies()
		require.Len(t, set, 2)
		jar := func(set map[string]*http.Cookie) string {
			var all []string
			for name, c := range set {
				require.True(t, strings.HasPrefix(name, prefix+"atelier_"), name)
				require.True(t, c.HttpOnly)
				require.Equal(t, http.SameSiteLaxMode, c.SameSite)
				require.Equal(t, prefix != "", c.Secure)
				require.Equal(t, "/", c.Path)
				require.Empty(t, c.Domain)
				all = append(all, name+"="+c.Value)
			}
			return "Cookie: " + strings.Join(all, "; ")
		}
		cookies, csrf := jar(set), "X-CSRF-Token: "+login.text("csrf_token")
		session := ada.get("/auth/session", cookies).want(t, 200)
		require.Equal(t, csrf, "X-CSRF-Token: "+session.text("csrf_token"))

		for _, wrong := range []string{"X-Nothing: 1", "X-CSRF-Token: ", csrf + "x", "X-CSRF-Token: " + strings.ToUpper(login.text("csrf_token"))} {
			ada.post("/projects", object{"name": "Harbour"}, cookies, wrong).refused(t, 403, "csrf_failed")
			ada.patch("/users/me", object{"name": "Eve"}, cookies, wrong).refused(t, 403, "csrf_failed")
			ada.delete("/users/me", cookies, wrong).refused(t, 403, "csrf_failed")
			ada.post("/auth/logout", nil, cookies, wrong).refused(t, 403, "csrf_failed")
		}
		other := signUp(t, p, "other").nobody().post("/auth/login", object{"email": ada.email, "password": goodPassword, "cookie": true}).want(t, 200)
		ada.post("/projects", object{"name": "Harbour"}, cookies, "X-CSRF-Token: "+other.text("csrf_token")).refused(t, 403, "csrf_failed")
		ada.post("/projects", object{"name": "Harbour"}, cookies, csrf).created(t)

		ada.post("/auth/refresh", object{}, cookies, "Origin: https://evil.example").refused(t, 403, "csrf_failed")
		ada.post("/auth/refresh", object{}).refused(t, 401, "invalid_token")
		refreshed := ada.post("/auth/refresh", object{}, cookies, "Origin: "+url).want(t, 200)
		require.NotContains(t, string(refreshed.body), "atl_rt_")
		require.Equal(t, login.text("csrf_token"), refreshed.text("csrf_token"))
		cookies = jar(refreshed.cookies())
		ada.get("/users/me", cookies).want(t, 200)
		ada.get("/users/me", cookies, "Authorization: Bearer x").refused(t, 401, "invalid_token")

		out := ada.post("/auth/logout", nil, cookies, csrf).want(t, 204)
		for _, c := range out.cookies() {
			require.Empty(t, c.Value)
			require.Less(t, c.Expires.Year(), 2020, "it is taken away")
		}
		require.Len(t, out.cookies(), 2)
		ada.get("/users/me", cookies).refused(t, 401, "session_revoked")
		ada.post("/auth/refresh", object{}, cookies).refused(t, 401, "session_revoked")
	}
}
