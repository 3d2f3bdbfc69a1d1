package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestDeletion: refused while the user owns projects; then he is signed out at once,
// out of all projects, and nothing tells any more who he was.
func TestDeletion(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		boss, ada, bob := admin(t, p), signUp(t, p, "ada"), signUp(t, p, "bob")
		own := "/projects/" + ada.post("/projects", object{"name": "Own"}).created(t).text("id")
		shared := "/projects/" + bob.post("/projects", object{"name": "Shared"}).created(t).text("id")
		bob.post(shared+"/collaborators", object{"user_id": ada.user}).created(t)
		ada.patch("/users/me", object{"profile": object{"bio": "canary"}}).want(t, 200)

		ada.delete("/users/me").refused(t, 409, "owns_projects")
		bob.delete("/users/"+ada.user).refused(t, 403, "forbidden")
		ada.get("/users/me").want(t, 200)
		ada.delete(own).want(t, 204)
		ada.delete("/users/me").want(t, 204)
		ada.get("/users/me").refused(t, 401, "session_revoked")
		ada.post("/auth/login", object{"email": ada.email, "password": goodPassword}).refused(t, 401, "invalid_credentials")
		ada.post("/auth/refresh", object{"refresh_token": ada.refresh}).refused(t, 401, "session_revoked")
		boss.get("/users/"+ada.user).refused(t, 404, "not_found")
		bob.get("/users/"+ada.user).refused(t, 404, "not_found")
		require.Empty(t, boss.get("/users?email="+ada.email).items())
		bob.post(shared+"/collaborators", object{"user_id": ada.user}).refused(t, 404, "not_found")
		require.Eventually(t, func() bool { return len(bob.get(shared+"/collaborators").items()) == 0 }, 20*time.Second, 10*time.Millisecond)

		// The address is free again, for another account.
		again := ada.post("/auth/register", object{"email": ada.email, "name": "Ada", "password": goodPassword}).created(t)
		require.NotEqual(t, ada.user, again.text("id"))

		// What stands in its place is nobody's to take.
		ada.post("/auth/register", object{"email": "deleted-" + bob.user + "@Deleted.invalid", "name": "Eve", "password": goodPassword}).refused(t, 400, "validation_failed")

		boss.delete("/users/"+bob.user).refused(t, 409, "owns_projects")
		bob.delete(shared).want(t, 204)
		boss.delete("/users/"+bob.user).want(t, 204)
		bob.get("/users/me").refused(t, 401, "session_revoked")
		boss.delete("/users/"+bob.user).refused(t, 404, "not_found")
	})
}

// TestDeletionGoesOnAfterACrash: what is left to do for a deleted user waits in the
// database, and is done by whoever starts next.
func TestDeletionGoesOnAfterACrash(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		one := startProgram(t, store)
		ada, bob := signUp(t, one, "ada"), signUp(t, one, "bob")
		shared := "/projects/" + bob.post("/projects", object{"name": "Shared"}).created(t).text("id")
		bob.post(shared+"/collaborators", object{"user_id": ada.user}).created(t)
		one.letters.sender.Store(nil) // nobody wakes the sender, which is stopped before it looks by itself
		ada.delete("/users/me").want(t, 204)
		require.NoError(t, one.stop())
		again := startProgram(t, store)
		bob = again.client(t).as(bob)
		require.Eventually(t, func() bool { return len(bob.get(shared+"/collaborators").items()) == 0 }, 20*time.Second, 10*time.Millisecond)
	})
}

// TestExport has what there is of the user, and of nobody else.
func TestExport(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada, bob := signUp(t, p, "ada"), signUp(t, p, "bob")
		ada.post("/projects", object{"name": "Harbour"}).created(t)
		bob.post("/projects", object{"name": "Secret"}).created(t)
		ada.patch("/users/me/preferences", object{"theme": "dark"}).want(t, 200)
		boss := admin(t, p)
		boss.post("/users/"+ada.user+"/suspend", object{"reason": "a mistake"}).want(t, 200)
		boss.post("/users/"+ada.user+"/reactivate", nil).want(t, 200)
		ada = ada.signIn(t)
		export := ada.get("/users/me/export").want(t, 200)
		require.Equal(t, "application/zip", export.header.Get("Content-Type"))
		require.Contains(t, export.header.Get("Content-Disposition"), "attachment")
		z, err := zip.NewReader(bytes.NewReader(export.body), int64(len(export.body)))
		require.NoError(t, err)
		files := map[string]string{}
		for _, f := range z.File {
			r, err := f.Open()
			require.NoError(t, err)
			content, err := io.ReadAll(r)
			require.NoError(t, err)
			require.True(t, json.Valid(content), f.Name)
			files[f.Name] = string(content)
			require.NotContains(t, string(content), "Secret")
			require.NotContains(t, string(content), "argon2")
			require.NotContains(t, string(content), "a mistake")
		}
		require.Contains(t, files["account.json"], ada.email)
		require.Contains(t, files["preferences.json"], "dark")
		require.Contains(t, files["projects.json"], "Harbour")
		require.Contains(t, files["sessions.json"], ada.session)
		require.Contains(t, files["events.json"], "user.created")
		ada.get("/users/me/export", "Accept: application/json").refused(t, 406, "not_acceptable")
		ada.nobody().get("/users/me/export").refused(t, 401, "unauthenticated")
	})
}
