package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// feed follows the feed until it has so many events, and tells them and where it is.
func feed(t testing.TB, c *client, cursor string, atLeast int) (events []object, _ string) {
	t.Helper()
	require.Eventually(t, func() bool {
		path := "/events?limit=3"
		if cursor != "" {
			path += "&cursor=" + cursor
		}
		page := c.get(path)
		if page.status != 200 {
			t.Errorf("%d %s", page.status, page.body)
			return true
		}
		events, cursor = append(events, page.items()...), page.text("next_cursor")
		return len(events) >= atLeast
	}, 20*time.Second, 5*time.Millisecond)
	return events, cursor
}

func types(events []object) (list []string) {
	for _, e := range events {
		list = append(list, e["type"].(string))
	}
	return list
}

// TestTheFeed: everyone follows what he may see, and the administrator all of it.
func TestTheFeed(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada, bob := signUp(t, p, "ada"), signUp(t, p, "bob")
		project := ada.post("/projects", object{"name": "Harbour"}).created(t).text("id")
		mine, after := feed(t, ada, "", 4)
		require.ElementsMatch(t, []string{"user.created", "user.activated", "session.opened", "project.created"}, types(mine))
		for _, e := range mine {
			if e["type"] == "project.created" {
				require.Equal(t, project, e["project_id"])
				require.NotContains(t, e, "user_id")
			} else {
				require.Equal(t, ada.user, e["user_id"])
				require.NotContains(t, e, "project_id")
			}
		}
		// The cursor is good for what comes.
		none := ada.get("/events?cursor="+after).want(t, 200)
		require.Empty(t, none.items())
		require.NotEmpty(t, none.text("next_cursor"))
		ada.patch("/projects/"+project, object{"name": "Quay"}).want(t, 200)
		next, _ := feed(t, ada, none.text("next_cursor"), 1)
		require.Equal(t, []string{"project.updated"}, types(next))
		require.Equal(t, map[string]any{"name": "Quay"}, next[0]["data"])

		theirs, _ := feed(t, bob, "", 3)
		require.ElementsMatch(t, []string{"user.created", "user.activated", "session.opened"}, types(theirs))
		bob.get("/events?cursor="+after).refused(t, 400, "invalid_cursor")
		ada.get("/events?cursor="+after+"x").refused(t, 400, "invalid_cursor")
		ada.nobody().get("/events").refused(t, 401, "unauthenticated")
		ada.get("/events?user_id="+bob.user).refused(t, 400, "validation_failed")

		boss := admin(t, p)
		all, _ := feed(t, boss, "", 11)
		require.Contains(t, types(all), "project.updated", "no role gives a right on a private project, but for its events")
		boss.post("/users/"+bob.user+"/suspend", object{"reason": "canary"}).want(t, 200)
		boss.post("/users/"+bob.user+"/reactivate", nil).want(t, 200)
		again := bob.signIn(t)
		later, _ := feed(t, again, "", 6)
		for _, e := range later {
			if e["type"] == "user.suspended" {
				require.NotContains(t, e["data"], "reason", "for administrators")
				require.Empty(t, e["actor_id"])
			}
		}
		require.Contains(t, types(later), "user.suspended")
	})
}
