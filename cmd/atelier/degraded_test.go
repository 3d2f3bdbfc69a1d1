package main

import (
	"testing"
	"time"

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
