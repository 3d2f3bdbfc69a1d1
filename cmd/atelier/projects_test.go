package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestProjectLife(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		ada := signUp(t, startProgram(t, store), "ada")
		project := ada.post("/projects", object{"name": "Harbour", "description": "quiet", "settings": object{"max_collaborators": 3}}).created(t)
		require.Equal(t, object{"public": false, "max_collaborators": 3.0, "allow_comments": true}, project.object()["settings"])
		require.Equal(t, "draft", project.text("status"))
		require.Equal(t, ada.user, project.text("owner_id"))
		require.Equal(t, []any{}, project.list("collaborators"))
		path := "/projects/" + project.text("id")
		require.Equal(t, project.object(), ada.get(path).want(t, 200).object())

		refused := ada.post(path+"/archive", nil).refused(t, 409, "invalid_state")
		require.Equal(t, []any{"activate"}, refused.list("allowed"))
		require.Equal(t, "active", ada.post(path+"/activate", nil).want(t, 200).text("status"))
		require.Equal(t, "archived", ada.post(path+"/archive", object{}).want(t, 200).text("status"))
		ada.patch(path, object{"name": "Haven"}).refused(t, 409, "invalid_state")
		ada.post(path+"/collaborators", object{"user_id": uuid.NewString()}).refused(t, 409, "invalid_state")
		ada.patch(path, object{"settings": object{"public": false}}).want(t, 200)
		require.Equal(t, "active", ada.post(path+"/restore", nil).want(t, 200).text("status"))

		put := ada.put(path, object{"name": "Haven"}).want(t, 200)
		require.Equal(t, "", put.text("description"), "what a PUT leaves out gets its default")
		require.EqualValues(t, 10, put.at("settings").number("max_collaborators"))
		ada.put(path, object{"description": "x"}).refused(t, 400, "validation_failed")
		patched := ada.patch(path, object{"description": "deep"}).want(t, 200)
		require.Equal(t, "Haven", patched.text("name"))
		require.Equal(t, patched.version(t), ada.patch(path, object{"description": "deep"}).version(t), "nothing changed")
		ada.patch(path, object{"description": nil}).refused(t, 400, "validation_failed")
		for _, name := range []string{"", strings.Repeat("é", 101)} {
			ada.patch(path, object{"name": name}).refused(t, 400, "validation_failed")
		}
		ada.patch(path, object{"name": strings.Repeat("é", 100)}).want(t, 200)

		ada.delete(path).want(t, 204)
		for _, a := range []*answer{ada.get(path), ada.delete(path), ada.patch(path, object{}), ada.get(path + "/events"), ada.get(path + "/collaborators"), ada.post(path+"/activate", nil)} {
			a.refused(t, 404, "not_found")
		}
		require.Empty(t, ada.get("/projects").items())
	})
}

func TestCollaborators(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada, bob, eve := signUp(t, p, "ada"), signUp(t, p, "bob"), signUp(t, p, "eve")
		project := ada.post("/projects", object{"name": "Harbour", "settings": object{"max_collaborators": 2}}).created(t)
		path := "/projects/" + project.text("id")
		members := path + "/collaborators"

		added := ada.post(members, object{"user_id": bob.user}).created(t)
		require.Equal(t, "collaborator", added.text("role"))
		require.Equal(t, ada.user, added.text("added_by"))
		require.Equal(t, "bob", added.at("user").text("name"))
		require.Equal(t, project.version(t)+1, added.version(t), "collaborators share their project's version")
		require.NotContains(t, string(added.body), "@", "others' addresses are not shown")
		require.Equal(t, "user is already a collaborator", ada.post(members, object{"user_id": bob.user}).refused(t, 409, "already_collaborator").text("detail"))
		ada.post(members, object{"user_id": ada.user}).refused(t, 409, "already_collaborator")
		ada.post(members, object{"user_id": uuid.NewString()}).refused(t, 404, "not_found")
		ada.post(members, object{"user_id": eve.user, "role": "owner"}).refused(t, 400, "validation_failed")

		eve.get(path).refused(t, 404, "not_found")
		eve.post(members, object{"user_id": eve.user}).refused(t, 404, "not_found")
		bob.post(members, object{"user_id": eve.user}).refused(t, 403, "forbidden")
		bob.patch(path, object{"name": "Haven"}).want(t, 200)
		bob.patch(path, object{"settings": object{"public": true}}).refused(t, 403, "forbidden")
		bob.delete(path).refused(t, 403, "forbidden")

		ada.post(members, object{"user_id": eve.user, "role": "viewer"}).created(t)
		full := ada.post(members, object{"user_id": bob.user}).refused(t, 409, "collaborator_limit_reached")
		require.Equal(t, "maximum collaborators reached", full.text("detail"), "the limit is checked first")
		ada.patch(path, object{"settings": object{"max_collaborators": 1}}).refused(t, 409, "collaborator_limit_reached")
		list := ada.get(members).want(t, 200).items()
		require.Equal(t, []any{eve.user, bob.user}, []any{list[0]["user_id"], list[1]["user_id"]}, "newest first")
		require.ElementsMatch(t, []any{bob.user, eve.user}, ada.get(path).list("collaborators"))
		require.Equal(t, 2, ada.get(path).number("collaborator_count"))

		eve.patch(path, object{"name": "x"}).refused(t, 403, "forbidden")
		changed := ada.patch(members+"/"+eve.user, object{"role": "admin"}).want(t, 200)
		require.Equal(t, "admin", changed.text("role"))
		eve.patch(path, object{"settings": object{"allow_comments": false}}).want(t, 200)
		eve.delete(path).refused(t, 403, "forbidden")
		ada.patch(members+"/"+uuid.NewString(), object{"role": "admin"}).refused(t, 404, "not_found")

		eve.delete(members+"/"+bob.user).want(t, 204)
		bob.get(path).refused(t, 404, "not_found")
		eve.delete(members+"/me").want(t, 204)
		eve.delete(members+"/me").refused(t, 404, "not_found")
		ada.delete(members+"/"+bob.user).refused(t, 404, "not_found")
		require.Equal(t, 0, ada.get(path).number("collaborator_count"))
	})
}

func TestPublicProjects(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada, bob := signUp(t, p, "ada"), signUp(t, p, "bob")
		path := "/projects/" + ada.post("/projects", object{"name": "Harbour", "settings": object{"public": true}}).created(t).text("id")
		for _, reader := range []*client{bob, bob.nobody()} {
			for _, part := range []string{"", "/collaborators", "/events", "/activity", "/permissions"} {
				reader.get(path+part).want(t, 200)
			}
			for _, a := range []*answer{reader.patch(path, object{"name": "x"}), reader.delete(path), reader.post(path+"/collaborators", object{"user_id": bob.user})} {
				require.Contains(t, []int{401, 403}, a.status)
			}
		}
		require.Equal(t, "public", bob.nobody().get(path+"/permissions").text("role"))
		ada.patch(path, object{"settings": object{"public": false}}).want(t, 200)
		bob.get(path).refused(t, 404, "not_found")
		bob.nobody().get(path).refused(t, 404, "not_found")
	})
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada, bob, eve := signUp(t, p, "ada"), signUp(t, p, "bob"), signUp(t, p, "eve")
		path := "/projects/" + ada.post("/projects", object{"name": "Harbour"}).created(t).text("id")
		ada.post(path+"/collaborators", object{"user_id": bob.user, "role": "commenter"}).created(t)
		rights := func(a *answer) (allowed []string) {
			for _, r := range a.want(t, 200).list("rights") {
				if r := r.(object); r["allowed"] == true {
					allowed = append(allowed, r["right"].(string))
				}
			}
			return allowed
		}
		require.Len(t, rights(ada.get(path+"/permissions")), 10)
		require.Equal(t, []string{"read", "comment"}, rights(bob.get(path+"/permissions")))
		require.Equal(t, []string{"read", "comment"}, rights(ada.get(path+"/permissions?user="+bob.user)))
		require.Empty(t, rights(ada.get(path+"/permissions?user="+eve.user)))
		bob.get(path+"/permissions?user="+ada.user).refused(t, 403, "forbidden")
		eve.get(path+"/permissions").refused(t, 404, "not_found")

		plain, explained := bob.get(path+"/permissions"), bob.get(path+"/permissions?explain=true")
		require.NotContains(t, string(plain.body), "reason")
		for _, r := range explained.list("rights") {
			require.NotEmpty(t, r.(object)["reason"])
		}
		require.Equal(t, "commenter", explained.text("role"))
	})
}

func TestEventsAndActivity(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada, bob := signUp(t, p, "ada"), signUp(t, p, "bob")
		path := "/projects/" + ada.post("/projects", object{"name": "Harbour"}).created(t).text("id")
		ada.post(path+"/collaborators", object{"user_id": bob.user}).created(t)
		bob.patch(path, object{"name": "Haven"}).want(t, 200)
		ada.post(path+"/activate", nil).want(t, 200)
		ada.patch(path+"/collaborators/"+bob.user, object{"role": "viewer"}).want(t, 200)
		ada.delete(path+"/collaborators/"+bob.user).want(t, 204)

		events := ada.get(path+"/events").want(t, 200).items()
		var types []string
		for i, e := range events {
			types = append(types, strings.TrimPrefix(e["type"].(string), "project."))
			require.EqualValues(t, i+1, e["seq"], "without a gap")
		}
		require.Equal(t, []string{"created", "collaborator_added", "updated", "activated", "role_changed", "collaborator_removed"}, types)
		require.Equal(t, bob.user, events[2]["actor_id"])
		require.Equal(t, object{"name": "Haven"}, events[2]["data"])
		position := ada.get(path).header.Get("Atelier-Position")
		require.True(t, strings.HasSuffix(position, ":6"), position)

		// By pages, forwards and backwards.
		var seqs []any
		for cursor := ""; ; {
			page := ada.get(path+"/events?limit=2"+cursor).want(t, 200)
			for _, e := range page.items() {
				seqs = append(seqs, e["seq"])
			}
			if page.text("next_cursor") == "" {
				break
			}
			cursor = "&cursor=" + page.text("next_cursor")
		}
		require.Equal(t, []any{1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, seqs)
		var back []any
		for cursor := ""; ; {
			page := ada.get(path+"/activity?limit=4"+cursor).want(t, 200)
			for _, e := range page.items() {
				back = append(back, e["seq"])
			}
			if page.text("next_cursor") == "" {
				break
			}
			cursor = "&cursor=" + page.text("next_cursor")
		}
		slices.Reverse(back)
		require.Equal(t, seqs, back)

		log, _, _ := strings.Cut(position, ":")
		require.Len(t, ada.get(path+"/events?since=4").items(), 2)
		require.Len(t, ada.get(path+"/events?since="+log+":5").items(), 1)
		require.Empty(t, ada.get(path+"/events?since="+position).items())
		ada.get(path+"/events?since="+uuid.NewString()+":1").refused(t, 400, "invalid_cursor")
		for _, bad := range []string{"x", "-1", ":", log, log + ":", "1:2:3"} {
			require.Equal(t, 400, ada.get(path+"/events?since="+bad).status, bad)
		}
		bob.get(path+"/events").refused(t, 404, "not_found")
	})
}

// TestLists: filters, orders and pages of projects; cursors that are forged, of
// another query or of another caller.
func TestLists(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada, bob := signUp(t, p, "ada"), signUp(t, p, "bob")
		var ids []string
		for i := range 7 {
			project := ada.post("/projects", object{"name": fmt.Sprintf("%c_50%% %d", 'G'-i, i), "settings": object{"public": i == 2}}).created(t)
			ids = append(ids, project.text("id"))
		}
		ada.post("/projects/"+ids[3]+"/activate", nil).want(t, 200)
		ada.post("/projects/"+ids[4]+"/collaborators", object{"user_id": bob.user, "role": "editor"}).created(t)
		names := func(c *client, query string) (list []string) {
			cursor := ""
			for {
				page := c.get("/projects?"+query+cursor).want(t, 200)
				for _, item := range page.items() {
					list = append(list, item["name"].(string)[:1])
				}
				if page.text("next_cursor") == "" {
					return list
				}
				cursor = "&cursor=" + page.text("next_cursor")
			}
		}
		newest := []string{"A", "B", "C", "D", "E", "F", "G"}
		for _, query := range []string{"", "limit=1", "limit=3&sort=-created_at", "limit=7", "limit=2&sort=name"} {
			require.Equal(t, newest, names(ada, query), query)
		}
		require.Equal(t, []string{"C", "D"}, names(ada, "limit=1&sort=-updated_at")[:2])
		require.Equal(t, []string{"D"}, names(ada, "status=active"))
		require.Equal(t, []string{"E"}, names(ada, "public=true"))
		require.Len(t, names(ada, "public=false"), 6)
		require.Equal(t, []string{"G"}, names(ada, "q=%25+0"), "no wildcards")
		require.Empty(t, names(ada, "q=%25%25"))
		require.Len(t, names(ada, "q=_50%25"), 7)
		require.Len(t, names(ada, "role=owner"), 7)
		require.Equal(t, []string{"C"}, names(bob, ""))
		require.Equal(t, []string{"C"}, names(bob, "role=editor"))
		require.Empty(t, names(bob, "role=owner"))
		for _, bad := range []string{"limit=101", "limit=x", "sort=colour", "status=lost", "role=king", "public=maybe", "cursor=x"} {
			require.Equal(t, 400, ada.get("/projects?"+bad).status, bad)
		}

		cursor := ada.get("/projects?limit=2&sort=name").text("next_cursor")
		ada.get("/projects?limit=5&sort=name&cursor="+cursor).want(t, 200)
		for _, query := range []string{"cursor=" + cursor, "sort=name&status=draft&cursor=" + cursor, "sort=name&cursor=" + cursor[1:], "sort=name&cursor=A" + cursor} {
			ada.get("/projects?"+query).refused(t, 400, "invalid_cursor")
		}
		bob.get("/projects?sort=name&cursor="+cursor).refused(t, 400, "invalid_cursor")
		ada.get("/users/me/sessions?cursor="+cursor).refused(t, 400, "invalid_cursor")
	})
}

// TestPagingUnderWrites: what was there throughout is shown once, whatever comes
// and goes meanwhile.
func TestPagingUnderWrites(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		ada := signUp(t, startProgram(t, store), "ada")
		var ids []string
		for range 30 {
			ids = append(ids, ada.post("/projects", object{"name": "x"}).created(t).text("id"))
		}
		seen, cursor := map[string]int{}, ""
		for i := 0; ; i++ {
			page := ada.get("/projects?limit=4"+cursor).want(t, 200)
			for _, item := range page.items() {
				seen[item["id"].(string)]++
			}
			ada.post("/projects", object{"name": "new"}).created(t)
			ada.patch("/projects/"+ids[i], object{"name": "changed"}).want(t, 200)
			if page.text("next_cursor") == "" {
				break
			}
			cursor = "&cursor=" + page.text("next_cursor")
		}
		for _, id := range ids {
			require.Equal(t, 1, seen[id])
		}
	})
}
