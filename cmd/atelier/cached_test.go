package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/test/services"
)

// hits are values that came from each tier.
func (p *program) hits() map[string]int64 {
	all := map[string]int64{}
	for _, s := range p.cache.Stats() {
		all[s.Tier] = s.Hits
	}
	return all
}

// TestListsAreTheSameFromTheCache as from the database, whatever changes in between,
// for every length of a page.
func TestListsAreTheSameFromTheCache(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		bare := p
		if !store.embedded() {
			bare = startWith(t, storeSettings{DataDir: t.TempDir(), DatabaseURL: store.DatabaseURL}, func(s *settings) { s.Cache = "off" })
		}
		ada := signUp(t, p, "ada")
		var users []*client
		for i := range 3 {
			users = append(users, signUp(t, p, fmt.Sprint("user", i)))
		}
		path := "/projects/" + ada.post("/projects", object{"name": "Harbour"}).created(t).text("id")
		ada.post("/projects", object{"name": "Haven"}).created(t)
		same := func() {
			t.Helper()
			for _, list := range []string{"/projects", "/projects?limit=1", "/projects?sort=name&status=draft", "/projects?sort=-updated_at&limit=1", path + "/collaborators", path + "/collaborators?limit=2"} {
				for range 2 {
					want, got := bare.client(t).as(ada).get(list).want(t, 200), ada.get(list).want(t, 200)
					require.JSONEq(t, withoutCursor(want), withoutCursor(got), list)
					require.Equal(t, strings.Contains(string(want.body), `"next_cursor":null`), strings.Contains(string(got.body), `"next_cursor":null`), list)
				}
			}
		}
		same()
		for _, u := range users {
			ada.post(path+"/collaborators", object{"user_id": u.user}).created(t)
			same()
		}
		users[0].patch("/users/me", object{"name": "Renamed", "profile": object{"bio": "new"}}).want(t, 200)
		same()
		before := p.hits()["memory"]
		require.Contains(t, string(ada.get(path+"/collaborators").body), "Renamed", "names are not kept")
		require.Greater(t, p.hits()["memory"], before, "members are")
		ada.patch(path, object{"name": "Harbour, renamed"}).want(t, 200)
		same()
		require.Equal(t, 204, ada.delete(path+"/collaborators/"+users[1].user).status)
		same()
		require.Equal(t, 204, users[2].delete("/users/me").status)
		require.Eventually(t, func() bool { return len(ada.get(path+"/collaborators").items()) == 1 }, time.Minute, 20*time.Millisecond)
		same()
		require.NotZero(t, p.hits()["memory"])

		second := ada.get("/projects?limit=1")
		cursor := second.text("next_cursor")
		require.Len(t, ada.get("/projects?limit=1&cursor="+cursor).items(), 1, "the cursor of a page that was kept")
	})
}

func withoutCursor(a *answer) string {
	text, _, _ := strings.Cut(string(a.body), `"next_cursor":`)
	return strings.TrimSuffix(strings.TrimSpace(text), ",") + "}"
}

// TestNodesShareWhatTheyWorkedOut: a second server finds it in Redis, and where that has
// gone in the database; where both have gone it works it out.
func TestNodesShareWhatTheyWorkedOut(t *testing.T) {
	t.Parallel()
	store, server := engines["postgres"](t), services.OwnRedis(t)
	another := func() *program {
		return startWith(t, storeSettings{DataDir: t.TempDir(), DatabaseURL: store.DatabaseURL}, func(s *settings) { s.RedisURL = server.URL() })
	}
	one := another()
	ada := signUp(t, one, "ada")
	ada.post("/projects", object{"name": "Harbour"}).created(t)
	from := func(tier string) { // some server that has just been started
		t.Helper()
		require.Eventually(t, func() bool {
			p := another()
			defer func() { require.NoError(t, p.stop()) }()
			require.Len(t, p.client(t).as(ada).get("/projects").items(), 1)
			return p.hits()[tier] == 1
		}, time.Minute, 50*time.Millisecond, tier)
	}
	require.Len(t, ada.get("/projects").items(), 1)
	from("redis")
	server.Crash()
	from("database")
	text := (&client{t: t, base: one.ops}).do("GET", "/metrics", nil).want(t, 200).body
	require.Contains(t, string(text), `atelier_cache_reads_total{result="miss",tier="memory"} 1`)
}
