package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestInvitations: mailed, bound to the address, used once, and kept at the limit.
func TestInvitations(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada, bob, eve := signUp(t, p, "ada"), signUp(t, p, "bob"), signUp(t, p, "eve")
		project := ada.post("/projects", object{"name": "Harbour", "settings": object{"max_collaborators": 1}}).created(t).text("id")
		path := "/projects/" + project
		invite := func(email string) {
			ada.post(path+"/invitations", object{"email": email, "role": "viewer"}).want(t, 202)
		}
		known := ada.post(path+"/invitations", object{"email": "BOB" + bob.email[3:]}).want(t, 202)
		require.Equal(t, string(known.body), string(ada.post(path+"/invitations", object{"email": "nobody@example.com"}).want(t, 202).body), "whether there is an account is not told")
		first := p.mailed(t, bob.email, "invitation", 1)
		require.Contains(t, first.text, "ada invites you")
		old := first.token(t)
		invite(bob.email)
		token := p.mailed(t, bob.email, "invitation", 2).token(t)
		if old == token {
			old = p.mails(t, bob.email)[0].token(t)
		}
		bob.get("/invitations/"+old).refused(t, 410, "link_expired")
		require.Len(t, ada.get(path+"/invitations").want(t, 200).items(), 2)
		page := ada.get(path+"/invitations?limit=1").want(t, 200)
		require.Equal(t, bob.email, page.items()[0]["email"], "the newest first")
		page = ada.get(path+"/invitations?limit=1&cursor="+page.text("next_cursor")).want(t, 200)
		require.Equal(t, "nobody@example.com", page.items()[0]["email"])
		require.Nil(t, page.object()["next_cursor"])
		bob.get(path+"/invitations").refused(t, 404, "not_found")

		shown := bob.nobody().get("/invitations/"+token).want(t, 200)
		require.Equal(t, "Harbour", shown.text("project_name"))
		require.Equal(t, "viewer", shown.text("role"))
		mine := bob.get("/users/me/invitations?limit=1").want(t, 200).items()
		require.Len(t, mine, 1)
		require.Equal(t, token, mine[0]["token"])
		require.Empty(t, eve.get("/users/me/invitations").want(t, 200).items())
		eve.post("/invitations/"+token+"/accept", nil).refused(t, 403, "forbidden")
		eve.post("/invitations/"+token+"/decline", nil).refused(t, 403, "forbidden")
		eve.get(path).refused(t, 404, "not_found")

		ada.post(path+"/collaborators", object{"user_id": eve.user}).created(t)
		bob.post("/invitations/"+token+"/accept", nil).refused(t, 409, "collaborator_limit_reached")
		ada.delete(path+"/collaborators/"+eve.user).want(t, 204)
		answers := together(50, func(int) *answer { return bob.post("/invitations/"+token+"/accept", nil) })
		require.Equal(t, map[int]int{200: 1, 410: 49}, statuses(answers))
		require.Equal(t, "viewer", bob.get(path+"/permissions").text("role"))
		bob.get("/invitations/"+token).refused(t, 410, "link_expired")
		require.Empty(t, bob.get("/users/me/invitations").items())

		invite(eve.email)
		declined := p.mailed(t, eve.email, "invitation", 1).token(t)
		eve.post("/invitations/"+declined+"/decline", nil).want(t, 204)
		eve.post("/invitations/"+declined+"/accept", nil).refused(t, 410, "link_expired")
		invite(eve.email)
		taken := ada.get(path + "/invitations").items()
		id := taken[0]["id"].(string)
		ada.post(path+"/invitations/"+id+"/resend", nil).want(t, 202)
		p.mailed(t, eve.email, "invitation", 3)
		bob.delete(path+"/invitations/"+id).refused(t, 403, "forbidden")
		ada.delete(path+"/invitations/"+id).want(t, 204)
		ada.delete(path+"/invitations/"+id).refused(t, 404, "not_found")
		for _, e := range ada.get(path + "/events?limit=100").items() {
			require.NotContains(t, e["data"], "email", "who reads the project does not learn addresses")
		}
		ada.post(path+"/invitations", object{"email": "no address"}).refused(t, 400, "validation_failed")
		ada.post(path+"/invitations", object{"email": "x@example.com", "role": "owner"}).refused(t, 400, "validation_failed")
	})
}

// TestOwnership changes in two steps, within the limit, and the one before stays.
func TestOwnership(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada, bob, eve := signUp(t, p, "ada"), signUp(t, p, "bob"), signUp(t, p, "eve")
		project := ada.post("/projects", object{"name": "Harbour", "settings": object{"max_collaborators": 1}}).created(t).text("id")
		path := "/projects/" + project
		role := func(c *client) string { return ada.get(path + "/permissions?user=" + c.user).text("role") }
		ada.post(path+"/collaborators", object{"user_id": bob.user, "role": "editor"}).created(t)
		bob.post(path+"/transfer", object{"user_id": bob.user}).refused(t, 403, "forbidden")
		bob.post(path+"/transfer/accept", nil).refused(t, 409, "invalid_state")
		eve.post(path+"/transfer/accept", nil).refused(t, 404, "not_found")
		ada.post(path+"/transfer", object{"user_id": ada.user}).refused(t, 400, "validation_failed")
		ada.post(path+"/transfer", object{"user_id": "0190a000-0000-7000-8000-000000000000"}).refused(t, 404, "not_found")

		// One who is not in needs a seat for the owner before.
		ada.post(path+"/transfer", object{"user_id": eve.user}).want(t, 200)
		p.mailed(t, eve.email, "ownership_offer", 1)
		bob.post(path+"/transfer/accept", nil).refused(t, 409, "invalid_state")
		eve.get(path).refused(t, 404, "not_found")
		eve.post(path+"/transfer/accept", nil).refused(t, 409, "collaborator_limit_reached")
		eve.post(path+"/transfer/decline", nil).want(t, 204)
		eve.post(path+"/transfer/accept", nil).refused(t, 404, "not_found")

		// One who is in leaves his.
		ada.post(path+"/transfer", object{"user_id": bob.user}).want(t, 200)
		bob.post(path+"/transfer/accept", nil, `If-Match: "1"`).refused(t, 412, "version_mismatch")
		answers := together(20, func(int) *answer { return bob.post(path+"/transfer/accept", nil) })
		require.Equal(t, map[int]int{200: 1, 409: 19}, statuses(answers))
		got := bob.get(path).want(t, 200)
		require.Equal(t, bob.user, got.text("owner_id"))
		require.Equal(t, []any{ada.user}, got.list("collaborators"))
		require.Equal(t, "admin", role(ada))
		ada.delete(path).refused(t, 403, "forbidden")
		ada.patch(path, object{"settings": object{"allow_comments": false}}).want(t, 200)
		require.Len(t, bob.get("/projects?role=owner").items(), 1)
		require.Empty(t, ada.get("/projects?role=owner").items())

		bob.post(path+"/transfer", object{"user_id": ada.user}).want(t, 200)
		bob.post(path+"/transfer/decline", nil).want(t, 204)
		ada.post(path+"/transfer/accept", nil).refused(t, 409, "invalid_state")
	})
}

// TestWhoWasRemovedStaysOut: what he was offered before does not let him in again.
func TestWhoWasRemovedStaysOut(t *testing.T) {
	t.Parallel()
	p := startProgram(t, engines["embedded"](t))
	ada, bob := signUp(t, p, "ada"), signUp(t, p, "bob")
	_, path := newProject(t, ada)
	ada.post(path+"/invitations", object{"email": bob.email, "role": "admin"}).want(t, 202)
	token := bob.get("/users/me/invitations").items()[0]["token"].(string)
	ada.post(path+"/invitations", object{"email": "carol@example.org"}).want(t, 202)
	ada.post(path+"/collaborators", object{"user_id": bob.user, "role": "admin"}).created(t)
	ada.post(path+"/transfer", object{"user_id": bob.user}).want(t, 200)
	ada.delete(path+"/collaborators/"+bob.user).want(t, 204)
	require.Empty(t, bob.get("/users/me/invitations").items())
	bob.post("/invitations/"+token+"/accept", nil).refused(t, 410, "link_expired")
	bob.post(path+"/transfer/accept", nil).refused(t, 404, "not_found")
	require.Len(t, ada.get(path+"/invitations").items(), 1, "those of others wait on")
}
