package main

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"atelier/test/services"
)

// TestWithoutDatabase: while Postgres is away everything that needs it is
// refused with 503 and a time to come back, and works again once it is back.
func TestWithoutDatabase(t *testing.T) {
	t.Parallel()
	pg := services.OwnPostgres(t)
	p := startProgram(t, storeSettings{DataDir: t.TempDir(), DatabaseURL: pg.URL("test")})
	ada := signUp(t, p, "ada")
	project := ada.post("/projects", object{"name": "Harbour"}).created(t).text("id")
	requests := map[string]func() *answer{
		"create":  func() *answer { return ada.post("/projects", object{"name": "Haven"}) },
		"change":  func() *answer { return ada.patch("/projects/"+project, object{"name": "Haven"}) },
		"read":    func() *answer { return ada.get("/projects/" + project) },
		"list":    func() *answer { return ada.get("/projects") },
		"members": func() *answer { return ada.get("/projects/" + project + "/collaborators") },
		"events":  func() *answer { return ada.get("/projects/" + project + "/events") },
		"login": func() *answer {
			return ada.nobody().post("/auth/login", object{"email": ada.email, "password": goodPassword})
		},
		"refresh": func() *answer { return ada.nobody().post("/auth/refresh", object{"refresh_token": ada.refresh}) },
		"session": func() *answer { return ada.get("/users/me/sessions") },
	}
	pg.Crash()
	require.Eventually(t, func() bool { return ada.do("GET", "/readyz", nil).status == 503 }, time.Minute, 50*time.Millisecond)
	require.Eventually(t, func() bool { return ada.get("/projects/"+project).status == 503 }, time.Minute, 50*time.Millisecond, "the lease ends")
	for name, send := range requests {
		a := send()
		require.Contains(t, []int{503, 504}, a.status, "%s: %s", name, a.body)
		if a.status == 503 {
			a.refused(t, 503, "unavailable")
			require.NotEmpty(t, a.header.Get("Retry-After"), name)
		}
	}
	pg.Restart(t)
	for name, send := range requests {
		require.Eventually(t, func() bool { return send().status < 300 }, time.Minute, 100*time.Millisecond, name)
	}
}

// TestAHeldRow: someone's transaction holds a project's row. Changes to that
// project are refused; those that travel in one group with them are made.
func TestAHeldRow(t *testing.T) {
	t.Parallel()
	store := engines["postgres"](t)
	ada := signUp(t, startProgram(t, store), "ada")
	held := "/projects/" + ada.post("/projects", object{"name": "Held"}).created(t).text("id")
	conn, err := pgx.Connect(t.Context(), store.DatabaseURL)
	require.NoError(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT FROM projects FOR UPDATE`)
	require.NoError(t, err)
	answers := together(50, func(i int) *answer {
		if i%10 == 0 {
			return ada.patch(held, object{"name": "Changed"})
		}
		return ada.post("/projects", object{"name": "Harbour"})
	})
	for i, a := range answers {
		if i%10 == 0 {
			a.refused(t, 503, "unavailable")
		} else {
			a.created(t)
		}
	}
	require.NoError(t, tx.Rollback(t.Context()))
	ada.patch(held, object{"name": "Changed"}).want(t, 200)
	require.Len(t, ada.get("/projects?limit=100").items(), 46)
}
