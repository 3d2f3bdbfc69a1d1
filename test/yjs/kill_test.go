package yjs

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/test/rig"
	"atelier/test/services"
)

// inTheAir is how many updates are not acknowledged when something is killed.
const inTheAir = 100

// Nodes that clients are on, the node that owns the document, and Postgres are killed
// in the middle of what clients write. Nothing that was acknowledged is lost.
func TestKillsLoseNoUpdate(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	s.Outage = true
	pg := services.OwnPostgres(t)
	url := pg.URL("test")
	at := newSite(s, url, s.StartCluster(url, "a", "b", "c"))
	k := &killing{site: at, db: s.Database(url, nil), random: s.Random(0)}
	for round := range kills {
		switch round % 3 {
		case 0:
			k.round("the node of clients", func(_, edge *rig.Node) func() { edge.Kill(); return edge.Restart })
		case 1:
			k.round("the owner", func(owner, _ *rig.Node) func() { owner.Kill(); return owner.Restart })
		case 2:
			k.round("Postgres", func(_, _ *rig.Node) func() { pg.Crash(); return func() { pg.Restart(t) } })
		}
	}
	s.Logf("%d kills, at least %d updates in the air at each; %d updates acknowledged", kills, inTheAir, k.acknowledged)
}

type killing struct {
	*site
	db           *rig.Database
	random       *rand.Rand
	acknowledged int
}

// round has clients of two nodes that do not own the document write, kills, and
// compares what was acknowledged with what is there. Some of the clients do not come
// back: what they send again would hide a loss.
func (k *killing) round(what string, kill func(owner, edge *rig.Node) (repair func())) {
	k.Helper()
	owner, edges := k.whereItLives()
	peers := []*peer{
		k.byTicket(plain, edges[0], k.owner), k.byTicket(hocuspocus3, edges[0], k.owner), k.byTicket(hocuspocus4, edges[1], k.editor), k.byTicket(plain, edges[1], k.editor),
	}
	for _, p := range peers {
		p.until(k, "c.provider.synced")
	}
	for k.burst(peers) < inTheAir {
	}
	repair := kill(owner, edges[0])
	staying := peers[2:]
	clocks := make([]int, len(peers))
	for i, p := range peers[:2] {
		if what == "the node of clients" {
			p.until(k, "c.closes.length > 0") // what it had acknowledged has come
		}
		p.run(k, "(c.close(), c.acknowledged)", &clocks[i])
	}
	repair()
	for i, p := range staying {
		p.until(k, isSaved)
		p.run(k, "c.acknowledged", &clocks[2+i])
	}
	content := k.settled()
	for i, p := range peers {
		var has int
		p.run(k, "Y.decodeStateVector(Y.encodeStateVectorFromUpdate("+bytesOf(content)+")).get(c.doc.clientID) ?? 0", &has)
		if has < clocks[i] {
			k.Found("%s was killed: %d updates of a client were acknowledged, and %d are there", what, clocks[i], has)
		}
		k.acknowledged += clocks[i]
	}
	for _, p := range staying {
		p.close(k)
	}
}

// burst has all write, and says how many updates are in the air a moment later.
func (k *killing) burst(peers []*peer) (waiting int) {
	for _, p := range peers {
		p.run(k, "c.type(200)")
	}
	time.Sleep(time.Duration(k.random.IntN(20)) * time.Millisecond) // when it happens is chance
	for _, p := range peers {
		var n int
		p.run(k, "c.written - c.acknowledged", &n)
		waiting += n
	}
	return waiting
}

// whereItLives is the node of the document's entity, and the others. One that has just
// been given up, as when leases come back, is asked for again.
func (k *killing) whereItLives() (owner *rig.Node, others []*rig.Node) {
	k.Helper()
	var name string
	for deadline := time.Now().Add(patience); name == ""; {
		k.post(k, &peer{of: k.clients}, fmt.Sprintf("(() => { const d = new Y.Doc(); d.getMap('m').set('at', %d); return Y.encodeStateAsUpdate(d) })()", k.random.Int()))
		var err error
		name, err = k.db.Text(k.Context(), `SELECT coalesce(node, '') FROM document_logs WHERE id = $1`, k.document)
		k.Must(err)
		require.True(k, name != "" || time.Now().Before(deadline), "nobody keeps the document")
	}
	for _, n := range k.nodes {
		if n.Name == name {
			owner = n
		} else {
			others = append(others, n)
		}
	}
	require.NotNil(k, owner, "%s", name)
	return owner, others
}

// settled is the content once the API tells it again.
func (k *killing) settled() []byte {
	k.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		r := k.site.owner.At(k.node(0)).Do(k.Context(), "GET", "/documents/"+k.document+"/content", nil)
		if r.OK() {
			return r.Body
		}
		if time.Now().After(deadline) {
			k.Fatalf("the content is not to be had: %s", r)
		}
	}
}
