package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"atelier/messages"
	"atelier/test/services"
)

// TestTheAuditTells who signed in, what was refused and what changed, to those who
// may know.
func TestTheAuditTells(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startWith(t, store, func(c *settings) { c.TrustedProxies = "127.0.0.1" })
		root, ada, bob := admin(t, p), signUp(t, p, "ada"), signUp(t, p, "bob")
		const from = "X-Forwarded-For: 198.51.100.7"
		ada.nobody().post("/auth/login", object{"email": ada.email, "password": "wrong"}, from, "X-Request-Id: guess-1").refused(t, 401, "invalid_credentials")
		ada.post("/auth/login", object{"email": ada.email, "password": goodPassword}, from, "X-Request-Id: sign-in-1").want(t, 200)
		ada.get("/audit").refused(t, 403, "forbidden")
		ada.nobody().get("/audit").refused(t, 401, "unauthenticated")
		project := ada.post("/projects", object{"name": "Harbour"}).created(t).text("id")
		ada.post("/projects/"+project+"/collaborators", object{"user_id": bob.user, "role": "viewer"}, from, "X-Request-Id: join-1").created(t)
		bob.patch("/projects/"+project, object{"name": "Mine"}, "X-Request-Id: no-1").refused(t, 403, "forbidden")
		root.post("/users/"+bob.user+"/suspend", object{"reason": "spam"}).want(t, 200)

		rows := func(query string) []object { return root.get("/audit?limit=100&"+query).want(t, 200).items() }
		one := func(query string, want object) {
			t.Helper()
			require.Eventually(t, func() bool {
				for _, r := range rows(query) {
					all := true
					for name, value := range want {
						all = all && r[name] == value
					}
					if all {
						return true
					}
				}
				return false
			}, 10*time.Second, 50*time.Millisecond, "%v", want)
		}
		one("action=login&result=refused", object{"code": "invalid_credentials", "ip": "198.51.100.7", "request_id": "guess-1", "actor_id": "", "target": "/api/v1/auth/login"})
		one("action=session.opened&actor="+ada.user, object{"request_id": "sign-in-1", "ip": "198.51.100.7", "target": "users/" + ada.user, "result": "done"})
		one("actor="+ada.user, object{"action": "listAudit", "code": "forbidden"})
		one("target=projects/"+project, object{"action": "project.collaborator_added", "actor_id": ada.user, "request_id": "join-1", "ip": "198.51.100.7"})
		one("actor="+bob.user, object{"action": "updateProject", "code": "forbidden", "request_id": "no-1", "target": "/api/v1/projects/" + project})
		one("target=users/"+bob.user, object{"action": "user.suspended", "actor_id": root.user})
		require.Empty(t, rows("from="+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)))
		root.get("/audit?from=yesterday").refused(t, 400, "validation_failed")

		require.Eventually(t, func() bool { return rows("target=users/" + bob.user)[0]["seq"].(float64) > 0 }, 10*time.Second, 50*time.Millisecond)
		verified := root.get("/audit/verify").want(t, 200)
		require.Equal(t, true, verified.object()["intact"], "%s", verified.body)
		require.NoError(t, p.stop())

		var out bytes.Buffer
		require.NoError(t, (&auditVerifyCommand{storeSettings: store, Noted: verified.text("head")}).print(t.Context(), &out))
		require.Contains(t, out.String(), "nobody has changed it")
		out.Reset()
		err := (&auditVerifyCommand{storeSettings: store, Noted: "7:" + strings.Repeat("0", 64)}).print(t.Context(), &out)
		require.ErrorContains(t, err, "the audit was changed: 1 faults")
		require.Contains(t, out.String(), "is not in the chain")
	})
}

// TestRefusalsAreWritten before they are answered; those of a time without a database
// when it is back, and one that cannot be written holds nobody up.
func TestRefusalsAreWritten(t *testing.T) {
	t.Parallel()
	pg := services.OwnPostgres(t)
	store := storeSettings{DataDir: t.TempDir(), DatabaseURL: pg.URL("test")}
	db, err := store.openStore(t.Context(), &server{log: slog.New(slog.DiscardHandler)}, freshName())
	require.NoError(t, err)
	defer db.close()
	sealer, err := store.masterKey()
	require.NoError(t, err)
	a := newAuditing(db, sealer, time.Now, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	written := make(chan struct{})
	go func() { defer close(written); a.write(ctx) }()
	refuse := func(target string) {
		a.Refused(t.Context(), messages.AuditRow{
			ID: uuid.NewString(), At: time.Now().UTC().Truncate(time.Microsecond), Action: "test", Target: target, Result: messages.AuditRefused, Code: "forbidden", Detail: "{}",
		})
	}
	told := func(target string) int {
		page, err := db.ListAudit(t.Context(), &messages.AuditQuery{Target: target, Limit: 100})
		if err != nil {
			return 0
		}
		return len(page.Items)
	}
	var all sync.WaitGroup
	for range refusalsAtOnce + 1 { // more than are written at once
		all.Go(func() { refuse("/before") })
	}
	all.Wait()
	refuse("/last")
	require.Equal(t, 1, told("/last"), "it is there as soon as it is answered")

	pg.Crash()
	refuse("/without")
	pg.Restart(t)
	require.Eventually(t, func() bool { return told("/without") == 1 }, time.Minute, 20*time.Millisecond)
	require.Zero(t, a.dropped.Load())

	refuse("\xff")
	refuse("/after")
	require.Eventually(t, func() bool { return told("/after") == 1 }, time.Minute, 20*time.Millisecond)
	require.EqualValues(t, 1, a.dropped.Load())
	stop()
	<-written
}
