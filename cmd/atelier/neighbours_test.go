package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRevocationHoldsAtTheNeighbour ends what a second server on the same
// database has validated already, in every way there is.
func TestRevocationHoldsAtTheNeighbour(t *testing.T) {
	t.Parallel()
	store := engines["postgres"](t)
	one := startProgram(t, store)
	other := startProgram(t, storeSettings{DataDir: t.TempDir(), DatabaseURL: store.DatabaseURL})
	for name, revoke := range map[string]func(here, victim *client) *answer{
		"log-out": func(_, victim *client) *answer { return victim.post("/auth/logout", nil) },
		"session": func(here, victim *client) *answer { return here.delete("/users/me/sessions/" + victim.session) },
		"others":  func(here, _ *client) *answer { return here.delete("/users/me/sessions") },
		"password": func(here, _ *client) *answer {
			return here.post("/users/me/password", object{"current_password": goodPassword, "new_password": "another harbour at dawn"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here := signUp(t, one, "ada")
			victim := here.signIn(t)
			there := other.client(t).as(victim)
			for range 3 {
				require.Equal(t, 200, there.get("/users/me").status, "it is validated there")
			}
			require.Equal(t, 204, revoke(here, victim).status)
			there.get("/users/me").refused(t, 401, "session_revoked")
			there.post("/auth/refresh", object{"refresh_token": victim.refresh}).refused(t, 401, "session_revoked")
		})
	}
}

// TestMembershipHoldsAtTheNeighbour takes members out here and asks there.
func TestMembershipHoldsAtTheNeighbour(t *testing.T) {
	t.Parallel()
	store := engines["postgres"](t)
	one := startProgram(t, store)
	other := startProgram(t, storeSettings{DataDir: t.TempDir(), DatabaseURL: store.DatabaseURL})
	ada, bob := signUp(t, one, "ada"), signUp(t, one, "bob")
	there := other.client(t).as(bob)
	path := "/projects/" + ada.post("/projects", object{"name": "Harbour"}).created(t).text("id")
	for i := range 10 {
		require.Equal(t, 201, ada.post(path+"/collaborators", object{"user_id": bob.user}).status)
		there.patch(path, object{"name": fmt.Sprint("Harbour ", i)}).want(t, 200)
		require.Equal(t, 204, ada.delete(path+"/collaborators/"+bob.user).status)
		there.get(path).refused(t, 404, "not_found")
	}
}
