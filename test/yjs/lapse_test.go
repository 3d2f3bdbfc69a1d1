package yjs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/test/rig"
	"atelier/test/services"
)

// The leases of all nodes lapse, since the database is silent, with sockets open on them.
// Nothing is told and nothing taken meanwhile. Then the same sockets go on, and nothing
// is missing.
func TestSocketsPauseWithTheLease(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	s.Outage = true
	pg := services.OwnPostgres(t)
	url := pg.URL("test")
	at := newSite(s, url, s.StartCluster(url, "a", "b"))
	peers := []*peer{at.byTicket(plain, at.node(0), at.owner), at.byToken(hocuspocus3, at.node(1), at.editor)}
	for _, p := range peers {
		p.until(t, "c.provider.synced")
		p.run(t, "c.type(3)")
		p.until(t, isSaved)
	}
	watchers := []*rig.Watcher{s.Watch(s.Context(), at.project, 0, at.owner.At(at.node(0))), s.Watch(s.Context(), at.project, 0, at.editor.At(at.node(1)))}
	until := func(test func() bool) {
		t.Helper()
		require.Eventually(t, test, patience, 5*time.Millisecond)
	}
	before, r := at.owner.At(at.node(0)).Log(s.Context(), at.project)
	require.True(t, r.OK(), "%s", r)
	position := int64(len(before))
	for _, w := range watchers {
		until(func() bool { return w.Position() == position })
	}

	pg.Freeze()
	var acknowledged, opened []int
	for _, p := range peers {
		var n, sockets int
		p.run(t, "c.acknowledged", &n)
		p.run(t, "c.sockets", &sockets)
		acknowledged, opened = append(acknowledged, n), append(opened, sockets)
		p.run(t, "c.type(5)")
	}
	for _, n := range at.nodes {
		s.AwaitSaid(n, "the node's lease has lapsed", 1)
	}
	for i, p := range peers {
		p.run(t, "c.type(2)")
		var n int
		p.run(t, "c.acknowledged", &n)
		require.Equal(t, acknowledged[i], n, "nothing is taken")
	}
	for _, w := range watchers {
		require.Equal(t, position, w.Position(), "nothing is told")
	}
	pg.Thaw()

	for _, p := range peers {
		p.until(t, isSaved)
	}
	for deadline := time.Now().Add(patience); ; {
		if _, r := at.owner.At(at.node(1)).Rename(s.Context(), at.project, "after"); r.OK() {
			break
		}
		require.True(t, time.Now().Before(deadline))
	}
	log, r := at.owner.At(at.node(0)).Log(s.Context(), at.project)
	require.True(t, r.OK(), "%s", r)
	for _, w := range watchers {
		until(func() bool { return w.Position() == int64(len(log)) })
		w.Judge(log)
		times, _ := w.Resumed()
		require.Equal(t, 1, times, "it is the same socket")
	}
	for i, p := range peers {
		p.until(t, "c.text.length === 20")
		var sockets int
		p.run(t, "c.sockets", &sockets)
		require.Equal(t, opened[i], sockets, "%d closed with %v", i, at.closes(t, p))
	}
}
