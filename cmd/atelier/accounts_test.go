package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"atelier/messages"
)

func TestRegistration(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		c := p.client(t)
		user := c.post("/auth/register", object{"email": "Ada.Lovelace@Example.COM", "name": " Ada ", "password": goodPassword}).created(t)
		require.Equal(t, "Ada.Lovelace@Example.COM", user.text("email"), "shown as typed")
		require.Equal(t, "Ada", user.text("name"))
		require.Equal(t, "active", user.text("status"))
		require.Equal(t, []any{"user"}, user.list("roles"))
		require.Equal(t, false, user.object()["mfa_enabled"])
		require.Nil(t, user.object()["last_login"])
		require.NotContains(t, string(user.body), "argon2")

		c.post("/auth/register", object{"email": "ada.lovelace@example.com", "name": "Eve", "password": goodPassword}).refused(t, 409, "email_taken")
		c.post("/auth/register", object{"email": "no-address", "name": "Eve", "password": goodPassword}).refused(t, 400, "validation_failed")
		c.post("/auth/register", object{"email": "eve@example.com", "name": "\t", "password": goodPassword}).refused(t, 400, "validation_failed")
		c.post("/auth/register", object{"email": "eve@example.com", "name": "Eve", "password": "short"}).refused(t, 422, "weak_password")
		c.post("/auth/register", object{"email": "eve@example.com", "name": "Eve", "password": "passwordpassword"}).refused(t, 422, "breached_password")
		c.post("/auth/register", object{"email": "eve@example.com", "name": "Evelyn Harper", "password": "evelyn.harper.1"}).refused(t, 422, "weak_password")
		c.post("/auth/register", object{"email": "eve@example.com", "name": "Eve", "password": goodPassword, "roles": []string{"admin"}}).refused(t, 400, "validation_failed")

		ada := c.took(c.post("/auth/login", object{"email": " ADA.lovelace@EXAMPLE.com", "password": goodPassword}).want(t, 200))
		require.NotNil(t, ada.get("/users/me").want(t, 200).object()["last_login"])
	})
}

// TestOneAddressOneAccount: of parallel registrations of one address, in
// whatever letters, one succeeds.
func TestOneAddressOneAccount(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		c := startProgram(t, store).client(t)
		answers := together(10, func(i int) *answer {
			email := "one@example.com"
			if i%2 == 0 {
				email = "ONE@Example.com"
			}
			return c.post("/auth/register", object{"email": email, "name": "One", "password": goodPassword}, "Atelier-Timeout: 60000") // with the race detector hashing is slow
		})
		require.Equal(t, map[int]int{201: 1, 409: 9}, statuses(answers))
	})
}

// together runs f n times in parallel.
func together(n int, f func(i int) *answer) []*answer {
	answers := make([]*answer, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { answers[i] = f(i) })
	}
	all.Wait()
	return answers
}

func statuses(answers []*answer) map[int]int {
	count := map[int]int{}
	for _, a := range answers {
		count[a.status]++
	}
	return count
}

// TestSignInTellsNothing: an unknown address and a wrong password get the same
// reply.
func TestSignInTellsNothing(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		ada := signUp(t, startProgram(t, store), "ada").nobody()
		same := func(email, password string) string {
			a := ada.post("/auth/login", object{"email": email, "password": password}, "X-Request-Id: r").refused(t, 401, "invalid_credentials")
			a.header.Del("Date")
			return fmt.Sprint(string(a.body), a.header)
		}
		wrong := same(ada.email, "not the password")
		require.Equal(t, wrong, same("nobody@example.com", goodPassword))
		require.Equal(t, wrong, same("not an address", goodPassword))
		require.Equal(t, wrong, same("", ""))
	})
}

func TestSession(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada := signUp(t, p, "ada")
		session := ada.get("/auth/session", "User-Agent: test/1").want(t, 200)
		require.Equal(t, ada.session, session.at("session").text("id"))
		require.Equal(t, true, session.at("session").object()["current"])
		require.Equal(t, "127.0.0.1", session.at("session").text("ip"))
		require.Equal(t, ada.user, session.at("user").text("id"))
		require.Equal(t, []any{"pwd"}, session.list("amr"))

		login := ada.nobody().post("/auth/login", object{"email": ada.email, "password": goodPassword}).want(t, 200)
		require.Equal(t, "Bearer", login.text("token_type"))
		require.InDelta(t, 15*60, login.number("expires_in"), 2)

		other := ada.took(login)
		other.post("/auth/logout", nil).want(t, 204)
		other.get("/users/me").refused(t, 401, "session_revoked")
		other.post("/auth/refresh", object{"refresh_token": other.refresh}).refused(t, 401, "session_revoked")
		other.post("/auth/logout", nil).refused(t, 401, "session_revoked")
		ada.get("/users/me").want(t, 200)
	})
}

// TestLogOutIsImmediate: no request that begins after the reply gets through,
// whoever has kept the connection busy.
func TestLogOutIsImmediate(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada := signUp(t, p, "ada")
		for range 5 {
			session := ada.signIn(t)
			ended := make(chan struct{})
			var busy sync.WaitGroup
			for range 4 {
				busy.Go(func() {
					for {
						after := false
						select {
						case <-ended:
							after = true
						default:
						}
						if a := session.get("/users/me"); after {
							require.Equal(t, 401, a.status)
							return
						}
					}
				})
			}
			session.post("/auth/logout", nil).want(t, 204)
			close(ended)
			busy.Wait()
		}
	})
}

// TestRefresh: the parent presented again gets the same child, by twenty tabs at
// once too; once the child was used and the grace is over, it is theft.
func TestRefresh(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada := signUp(t, p, "ada")
		refresh := func(token string) *answer { return ada.nobody().post("/auth/refresh", object{"refresh_token": token}) }
		children := map[string]int{}
		for _, a := range together(20, func(int) *answer { return refresh(ada.refresh) }) {
			children[a.want(t, 200).text("refresh_token")]++
			require.Equal(t, 200, ada.took(a).get("/users/me").status)
		}
		require.Len(t, children, 1)
		child := refresh(ada.refresh).text("refresh_token")
		require.Contains(t, children, child)
		require.NotEqual(t, ada.refresh, child)

		grandchild := refresh(child).want(t, 200)
		used := time.Now()
		require.Equal(t, child, refresh(ada.refresh).want(t, 200).text("refresh_token"), "within the grace")
		for _, bad := range []string{"", "x", child + "x", child[:len(child)-4] + "AAAA", "atl_rt_" + strings.Repeat("A", 75)} {
			refresh(bad).refused(t, 401, "invalid_token")
		}
		<-time.After(time.Until(used.Add(10*time.Second + 600*time.Millisecond)))
		refresh(ada.refresh).refused(t, 401, "session_revoked")
		refresh(grandchild.text("refresh_token")).refused(t, 401, "session_revoked")
		ada.took(grandchild).get("/users/me").refused(t, 401, "session_revoked")
	})
}

func TestPasswordChange(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		here := signUp(t, p, "ada")
		there := here.signIn(t)
		next := "the lamp behind the door"
		change := func(current, next string) *answer {
			return here.post("/users/me/password", object{"current_password": current, "new_password": next})
		}
		change("wrong", next).refused(t, 401, "invalid_credentials")
		change(goodPassword, "short").refused(t, 422, "weak_password")
		there.get("/users/me").want(t, 200)
		change(goodPassword, next).want(t, 204)
		here.get("/users/me").want(t, 200)
		there.get("/users/me").refused(t, 401, "session_revoked")
		there.post("/auth/refresh", object{"refresh_token": there.refresh}).refused(t, 401, "session_revoked")
		here.nobody().post("/auth/login", object{"email": here.email, "password": goodPassword}).refused(t, 401, "invalid_credentials")
		here.nobody().post("/auth/login", object{"email": here.email, "password": next}).want(t, 200)
	})
}

// TestNoSessionSurvivesAPasswordChange races sign-ins with the old password
// against the change: a session that came of one is ended, or was never opened.
func TestNoSessionSurvivesAPasswordChange(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada := signUp(t, p, "ada")
		answers := together(8, func(i int) *answer {
			if i == 3 {
				return ada.post("/users/me/password", object{"current_password": goodPassword, "new_password": "the lamp behind the door"})
			}
			return ada.nobody().post("/auth/login", object{"email": ada.email, "password": goodPassword})
		})
		answers[3].want(t, 204)
		for i, a := range answers {
			if i != 3 && a.status == 200 {
				require.Equal(t, 401, ada.took(a).get("/users/me").status)
			}
		}
		require.Len(t, ada.get("/users/me/sessions").items(), 1)
	})
}

func TestOwnSessions(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		first := signUp(t, p, "ada")
		second, third, stranger := first.signIn(t), first.signIn(t), signUp(t, p, "eve")
		list := first.get("/users/me/sessions").want(t, 200).items()
		require.Len(t, list, 3)
		for i, session := range []*client{third, second, first} {
			require.Equal(t, session.session, list[i]["id"], "newest first")
			require.Equal(t, session == first, list[i]["current"])
		}
		first.delete("/users/me/sessions/"+stranger.session).refused(t, 404, "not_found")
		stranger.get("/users/me").want(t, 200)
		first.delete("/users/me/sessions/"+uuid.NewString()).refused(t, 404, "not_found")
		first.delete("/users/me/sessions/"+second.session).want(t, 204)
		first.delete("/users/me/sessions/"+second.session).refused(t, 404, "not_found")
		second.get("/users/me").refused(t, 401, "session_revoked")
		third.get("/users/me").want(t, 200)
		first.delete("/users/me/sessions").want(t, 204)
		third.get("/users/me").refused(t, 401, "session_revoked")
		require.Len(t, first.get("/users/me/sessions").items(), 1)
		first.delete("/users/me/sessions").want(t, 204)
	})
}

func TestOwnAccount(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		ada := signUp(t, startProgram(t, store), "ada")
		me := ada.get("/users/me").want(t, 200)
		changed := ada.patch("/users/me", object{"name": "Ada L.", "profile": object{"bio": "sailor", "website": "https://ada.example.com"}}).want(t, 200)
		require.Equal(t, me.version(t)+1, changed.version(t))
		require.Equal(t, "sailor", changed.at("profile").text("bio"))
		again := ada.patch("/users/me", object{"profile": object{"bio": nil}}).want(t, 200)
		require.Empty(t, again.at("profile").text("bio"))
		require.Equal(t, "https://ada.example.com", again.at("profile").text("website"))
		require.Equal(t, again.version(t), ada.patch("/users/me", object{"name": "Ada L."}).want(t, 200).version(t), "nothing changed")
		for field, value := range map[string]any{"website": "javascript:alert(1)", "avatar_url": "ftp://x", "bio": strings.Repeat("x", 1001), "timezone": 5} {
			refused := ada.patch("/users/me", object{"profile": object{field: value}}).refused(t, 400, "validation_failed")
			require.Equal(t, "/profile/"+field, refused.list("errors")[0].(object)["pointer"])
		}
		for _, field := range []string{"email", "status", "roles", "id", "mfa_enabled"} {
			ada.patch("/users/me", object{field: "x"}).refused(t, 400, "validation_failed")
		}
		require.JSONEq(t, `{}`, string(ada.get("/users/me/preferences").want(t, 200).body))

		version := ada.get("/users/me").version(t)
		ada.signIn(t)
		require.Equal(t, version, ada.get("/users/me").version(t), "a sign-in is no change of the resource")
	})
}

// TestUsersWhoMayNotAct are refused at once, with what they hold and at sign-in.
func TestUsersWhoMayNotAct(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		admin := func() *messages.Meta {
			return &messages.Meta{Principal: uuid.NewString(), Roles: []string{"admin"}, CommandId: "m:" + uuid.NewString()}
		}
		ada, bob := signUp(t, p, "ada"), signUp(t, p, "bob")
		ada.get("/users/me").want(t, 200)
		_, err := p.clients.accounts.SuspendUser(t.Context(), &messages.SuspendUser{Meta: admin(), UserId: ada.user, Reason: "spam"})
		require.NoError(t, err)
		ada.get("/users/me").refused(t, 403, "user_suspended")
		ada.post("/projects", object{"name": "x"}).refused(t, 403, "user_suspended")
		ada.nobody().post("/auth/refresh", object{"refresh_token": ada.refresh}).refused(t, 403, "user_suspended")
		ada.nobody().post("/auth/login", object{"email": ada.email, "password": goodPassword}).refused(t, 403, "user_suspended")
		ada.nobody().post("/auth/login", object{"email": ada.email, "password": "wrong"}).refused(t, 401, "invalid_credentials")
		_, err = p.clients.accounts.ReactivateUser(t.Context(), &messages.ReactivateUser{Meta: admin(), UserId: ada.user})
		require.NoError(t, err)
		ada.nobody().post("/auth/login", object{"email": ada.email, "password": goodPassword}).want(t, 200)

		_, err = p.clients.accounts.DeactivateUser(t.Context(), &messages.DeactivateUser{Meta: admin(), UserId: bob.user})
		require.NoError(t, err)
		bob.get("/users/me").want(t, 401)
		bob.nobody().post("/auth/login", object{"email": bob.email, "password": goodPassword}).refused(t, 403, "user_inactive")
	})
}
