package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/cluster"
	"atelier/messages"
)

// TestNodesAreForAdministrators, and a node that is alone shows itself.
func TestNodesAreForAdministrators(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		path := "/cluster/nodes/" + p.members.node + "/drain"
		user, boss := signUp(t, p, "user"), admin(t, p)
		user.get("/cluster").refused(t, 403, "forbidden")
		user.post(path, nil).refused(t, 403, "forbidden")
		user.nobody().get("/cluster").refused(t, 401, "unauthenticated")
		state := func() any {
			c := boss.get("/cluster").want(t, 200)
			require.Equal(t, p.members.node, c.text("node"))
			require.Len(t, c.list("nodes"), 1)
			return c.list("nodes")[0].(object)["state"]
		}
		require.Equal(t, "up", state())
		boss.post("/cluster/nodes/other/drain", nil).refused(t, 404, "not_found")
		require.Equal(t, "up", state())
		boss.post(path, nil).want(t, 204)
		require.Equal(t, "draining", state())
		boss.post("/projects", object{"name": "Harbour"}).created(t)
	})
}

func TestStatesOfMembers(t *testing.T) {
	t.Parallel()
	began := time.Unix(1, 0)
	view := cluster.View{Self: "a", Nodes: []cluster.Node{{Name: "a"}, {Name: "b", Draining: true}, {Name: "c", Address: "c:1", Started: began}, {Name: "e"}}}
	leased := []messages.LeasedNode{{Name: "e", Struck: true}, {Name: "d"}, {Name: "b"}, {Name: "a", Incarnation: 7, Exclusive: true}}
	require.Equal(t, []messages.Member{
		{Name: "a", State: "up", Incarnation: 7, Exclusive: true}, {Name: "b", State: "draining"},
		{Name: "c", State: "joining", Address: "c:1", Since: began}, {Name: "d", State: "unseen"}, {Name: "e", State: "struck"},
	}, join(view, leased))
}
