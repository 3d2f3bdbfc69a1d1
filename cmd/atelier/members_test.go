package main

import (
	"strings"
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
		require.Equal(t, object{"account": 2., "session": 2., "project": 0., "document": 0.}, boss.get("/cluster").list("nodes")[0].(object)["entities"])
		boss.post("/cluster/nodes/other/drain", nil).refused(t, 404, "not_found")
		require.Equal(t, "up", state())
		require.Contains(t, boss.post(path, nil).refused(t, 409, "invalid_state").text("detail"), "no other node")
		require.Equal(t, "up", state())
		boss.post("/projects", object{"name": "Harbour"}).created(t)
	})
}

// TestOperatorsAskTheNodeItself: without a password, and not from a browser.
func TestOperatorsAskTheNodeItself(t *testing.T) {
	t.Parallel()
	p := startProgram(t, engines["embedded"](t))
	at := opsSettings{OpsAddr: strings.TrimPrefix(p.ops, "http://")}
	var said strings.Builder
	require.NoError(t, (&statusCommand{opsSettings: at}).print(t.Context(), &said))
	require.Regexp(t, `(?m)^NAME +ADDRESS +STATE +SINCE +EXCLUSIVE +ACCOUNTS +SESSIONS +PROJECTS +DOCUMENTS\n`+p.members.node+` +- +up +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +yes +0 +0 +0 +0\n$`, said.String())

	require.ErrorContains(t, (&drainCommand{opsSettings: at, Wait: time.Minute}).Run(t.Context()),
		"refuses: there is no other node that could take over what "+p.members.node+" owns")
	ops := &client{t: t, base: p.ops}
	ops.do("POST", "/drain", nil, "Origin: https://evil.example").want(t, 403)
	ops.do("POST", "/drain", nil).want(t, 409)
	require.ErrorContains(t, (&statusCommand{opsSettings: opsSettings{OpsAddr: "127.0.0.1:1"}}).print(t.Context(), &said), "no node answers")
}

func TestStatesOfMembers(t *testing.T) {
	t.Parallel()
	began := time.Unix(1, 0)
	view := cluster.View{Self: "a", Nodes: []cluster.Node{{Name: "a"}, {Name: "b", Draining: true}, {Name: "c", Address: "c:1", Started: began}, {Name: "e"}, {Name: "f", Unmet: true}}}
	leased := []messages.LeasedNode{{Name: "f"}, {Name: "e", Struck: true}, {Name: "d"}, {Name: "b"}, {Name: "a", Incarnation: 7, Exclusive: true}}
	require.Equal(t, []messages.Member{
		{Name: "a", State: "up", Incarnation: 7, Exclusive: true}, {Name: "b", State: "draining"},
		{Name: "c", State: "joining", Address: "c:1", Since: began}, {Name: "d", State: "unseen"}, {Name: "e", State: "struck"}, {Name: "f", State: "unseen"},
	}, join(view, leased))
}
