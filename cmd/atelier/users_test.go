package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// staff is a new user with a role of the installation.
func staff(t testing.TB, p *program, boss *client, role string) *client {
	t.Helper()
	c := signUp(t, p, role)
	boss.patch("/users/"+c.user, object{"roles": []string{role}}).want(t, 200)
	return c.signIn(t)
}

// TestAdministrationOfUsers: made, found, changed, moved between all statuses.
func TestAdministrationOfUsers(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		boss := admin(t, p)
		email := "Grace.Hopper@example.com"
		made := boss.post("/users", object{"email": email, "name": "Grace", "roles": []string{"auditor"}}).created(t)
		path := "/users/" + made.text("id")
		require.Equal(t, api+path, made.header.Get("Location"))
		require.Equal(t, "pending", made.text("status"))
		require.Equal(t, []any{"auditor", "user"}, made.list("roles"))
		require.Contains(t, boss.get(path).want(t, 200).object(), "last_login", "null: she has never signed in")
		boss.post("/users", object{"email": "grace.hopper@EXAMPLE.com", "name": "Eve"}).refused(t, 409, "email_taken")
		boss.post("/users", object{"email": "x@example.com", "name": "X", "roles": []string{"king"}}).refused(t, 400, "validation_failed")

		grace := p.client(t)
		grace.email = email
		grace.post("/auth/login", object{"email": email, "password": ""}).refused(t, 401, "invalid_credentials")
		boss.post(path+"/resend-mail", nil).want(t, 202)
		old, token := p.mailed(t, email, "set_password", 1).token(t), p.mailed(t, email, "set_password", 2).token(t)
		if old == token {
			old = p.mails(t, email)[0].token(t)
		}
		grace.post("/auth/password/reset", object{"token": old, "password": goodPassword}).refused(t, 410, "link_expired")
		grace.post("/auth/password/reset", object{"token": token, "password": goodPassword}).want(t, 204)
		grace = grace.signIn(t)

		changed := boss.patch(path, object{"name": "Grace H.", "profile": object{"bio": "admiral"}, "roles": []string{"support"}}).want(t, 200)
		require.Equal(t, "Grace H.", changed.text("name"))
		require.Equal(t, []any{"support", "user"}, changed.list("roles"))
		replaced := boss.put(path, object{"name": "Grace", "roles": []string{}}, fmt.Sprintf(`If-Match: "%d"`, changed.version(t))).want(t, 200)
		require.Empty(t, replaced.at("profile").text("bio"))
		require.Equal(t, []any{"user"}, replaced.list("roles"))
		boss.put(path, object{"name": "Late", "roles": []string{}}, `If-Match: "1"`).refused(t, 412, "version_mismatch")
		for _, field := range []string{"email", "status", "id", "password", "mfa_enabled"} {
			boss.patch(path, object{field: "x"}).refused(t, 400, "validation_failed")
		}

		move := func(name string, body any) *answer { return boss.post(path+"/"+name, body) }
		refused := move("activate", nil).refused(t, 409, "invalid_state")
		require.Equal(t, []any{"suspend", "deactivate"}, refused.list("allowed"))
		suspended := move("suspend", object{"reason": "spam"}).want(t, 200)
		require.Equal(t, "suspended", suspended.text("status"))
		require.Equal(t, "spam", suspended.at("suspension").text("reason"))
		require.Equal(t, boss.user, suspended.at("suspension").text("by"))
		grace.get("/users/me").refused(t, 403, "user_suspended")
		grace.post("/auth/login", object{"email": email, "password": goodPassword}).refused(t, 403, "user_suspended")
		require.Equal(t, "active", move("reactivate", nil).want(t, 200).text("status"))
		require.Equal(t, "inactive", move("deactivate", nil).want(t, 200).text("status"))
		require.Equal(t, []any{"suspend", "reactivate"}, move("deactivate", nil).refused(t, 409, "invalid_state").list("allowed"))
		grace.post("/auth/login", object{"email": email, "password": goodPassword}).refused(t, 403, "user_inactive")
		require.Equal(t, "active", move("reactivate", nil).want(t, 200).text("status"))
		grace = grace.signIn(t)

		boss.post(path+"/revoke-sessions", nil).want(t, 204)
		grace.get("/users/me").refused(t, 401, "session_revoked")
		grace = grace.signIn(t)

		// A suspension with an end ends by itself.
		until := time.Now().Add(1500 * time.Millisecond).UTC()
		move("suspend", object{"reason": "pause", "until": until.Format(time.RFC3339Nano)}).want(t, 200)
		move("suspend", object{"reason": "pause", "until": "2001-01-01T00:00:00Z"}).refused(t, 400, "validation_failed")
		grace.get("/users/me").refused(t, 403, "user_suspended")
		find := func(query string) int { return len(boss.get("/users?email="+email+query).want(t, 200).items()) }
		require.Equal(t, 1, find("&status=suspended"))
		require.Eventually(t, func() bool {
			return grace.post("/auth/login", object{"email": email, "password": goodPassword}).status == 200
		}, 20*time.Second, 50*time.Millisecond)
		require.Equal(t, 0, find("&status=suspended"))
		require.Equal(t, 1, find("&status=active"))
		require.Nil(t, boss.get(path).want(t, 200).object()["suspension"])
		grace = grace.signIn(t)
		require.Equal(t, "active", grace.patch("/users/me", object{"name": "Grace H."}).want(t, 200).text("status"))
		require.Len(t, grace.get("/users/me/sessions").items(), 2, "those before the suspension are no longer good")
		move("suspend", object{"reason": "pause", "until": "1970-01-01T00:00:00Z"}).refused(t, 400, "validation_failed")
		move("suspend", object{"reason": "pause", "until": "9999-12-31T23:59:59-01:00"}).refused(t, 400, "validation_failed")
	})
}

// TestListOfUsers pages and filters.
func TestListOfUsers(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		boss := admin(t, p)
		for i := range 7 {
			boss.post("/users", object{"email": fmt.Sprintf("Person%d@example.com", i), "name": fmt.Sprintf("Per_son %d", i)}).created(t)
		}
		var seen []string
		for query := "?limit=3"; ; {
			page := boss.get("/users"+query).want(t, 200)
			for _, item := range page.items() {
				seen = append(seen, item["name"].(string))
			}
			next := page.text("next_cursor")
			if next == "" {
				break
			}
			query = "?limit=3&cursor=" + next
		}
		require.Equal(t, []string{"Per_son 6", "Per_son 5", "Per_son 4", "Per_son 3", "Per_son 2", "Per_son 1", "Per_son 0", "Admin"}, seen)
		count := func(query string) int { return len(boss.get("/users?"+query).want(t, 200).items()) }
		require.Equal(t, 7, count("status=pending"))
		require.Equal(t, 1, count("status=active"))
		require.Equal(t, 1, count("email=PERSON3@example.com"))
		require.Equal(t, 0, count("email=person"))
		require.Equal(t, 7, count("q=PER_SON"))
		require.Equal(t, 0, count("q=PERXSON"))
		require.Equal(t, 7, count("q=person"), "in the address")
		require.Equal(t, 0, count("q=%25"))
	})
}

// TestWhoMayDoWhatToUsers holds each role against each operation, and what it shows.
func TestWhoMayDoWhatToUsers(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		boss := admin(t, p)
		callers := map[string]*client{
			"admin": boss, "auditor": staff(t, p, boss, "auditor"), "support": staff(t, p, boss, "support"), "user": signUp(t, p, "plain"),
		}
		victim := signUp(t, p, "victim")
		boss.post("/users/"+victim.user+"/suspend", object{"reason": "because"}).want(t, 200)
		path := "/users/" + victim.user
		for role, c := range callers {
			may := func(allowed bool, a *answer) {
				t.Helper()
				if allowed {
					require.Less(t, a.status, 400, "%s: %s", role, a.body)
				} else {
					a.refused(t, 403, "forbidden")
				}
			}
			reads := role != "user"
			helps := role == "admin" || role == "support"
			may(reads, c.get("/users"))
			may(helps, c.post(path+"/revoke-sessions", nil))
			may(helps, c.post(path+"/resend-mail", nil))
			may(role == "admin", c.post("/users", object{"email": role + "-made@example.com", "name": "M"}))
			may(role == "admin", c.patch(path, object{"name": "V " + role}))
			may(role == "admin", c.put(path, object{"name": "V", "roles": []string{}}))
			may(role == "admin", c.post(path+"/suspend", object{"reason": "again"}))
			if role != "admin" {
				for _, move := range []string{"activate", "reactivate", "deactivate"} {
					may(false, c.post(path+"/"+move, nil))
				}
			}
			shown := c.get(path).want(t, 200).object()
			require.Equal(t, reads, shown["email"] != nil, role)
			require.Equal(t, role == "admin", shown["suspension"] != nil, role)
			if !reads {
				require.Len(t, shown, 3, "id, name and profile")
			}
			require.NotNil(t, c.get("/users/"+c.user).want(t, 200).object()["email"], "oneself")
		}
		boss.nobody().get(path).refused(t, 401, "unauthenticated")
		callers["user"].get("/users/0190a000-0000-7000-8000-000000000000").refused(t, 404, "not_found")
		boss.get("/users/0190a000-0000-7000-8000-000000000000").refused(t, 404, "not_found")

		// A role that is taken away ends at once, on what is held already.
		boss.patch("/users/"+callers["auditor"].user, object{"roles": []string{"user"}}).want(t, 200)
		callers["auditor"].get("/users").refused(t, 403, "forbidden")
	})
}
