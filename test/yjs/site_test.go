package yjs

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/test/rig"
	"atelier/test/services"
)

func TestMain(m *testing.M) { rig.Main(m) }

// site is an installation with a project, a document in it, and people.
type site struct {
	*rig.Scenario
	url      string // of the database
	nodes    []*rig.Node
	clients  *clients
	owner    *rig.User
	editor   *rig.User
	viewer   *rig.User
	project  string
	document string
}

// onNodes runs a test on one node with everything embedded and on a cluster of three.
func onNodes(t *testing.T, test func(t *testing.T, at *site)) {
	t.Run("one node", func(t *testing.T) {
		t.Parallel()
		s := rig.New(t)
		test(t, newSite(s, "", []*rig.Node{s.Start("a", "")}))
	})
	t.Run("three nodes", func(t *testing.T) {
		t.Parallel()
		s := rig.New(t)
		url := services.Postgres(t).URL()
		test(t, newSite(s, url, s.StartCluster(url, "a", "b", "c")))
	})
}

func newSite(s *rig.Scenario, url string, nodes []*rig.Node) *site {
	s.Helper()
	at := &site{Scenario: s, url: url, nodes: nodes, clients: startClients(s)}
	at.owner, at.editor, at.viewer = at.member("owner"), at.member("editor"), at.member("viewer")
	project, r := at.owner.At(nodes[0]).CreateProject(s.Context(), "Harbour", 10)
	require.True(s, r.OK(), "%s", r)
	at.project = project.ID
	for user, role := range map[*rig.User]string{at.editor: "editor", at.viewer: "viewer"} {
		r := at.owner.At(nodes[0]).Add(s.Context(), at.project, user.ID, role)
		require.True(s, r.OK(), "%s", r)
	}
	at.document = at.newDocument()
	return at
}

func (at *site) member(name string) *rig.User {
	at.Helper()
	return at.SignIn(at.nodes[0], at.Register(at.nodes[0], name))
}

func (at *site) newDocument() string {
	at.Helper()
	var made struct{ ID string }
	at.Must(at.owner.At(at.nodes[0]).Do(at.Context(), "POST", "/projects/"+at.project+"/documents", map[string]string{"name": "Minutes"}).Into(&made))
	return made.ID
}

// node is one of the nodes, whatever number there is.
func (at *site) node(i int) *rig.Node { return at.nodes[i%len(at.nodes)] }

// ticket lets a user open the document.
func (at *site) ticket(u *rig.User, document string) string {
	at.Helper()
	var made struct{ Ticket string }
	at.Must(u.At(at.nodes[0]).Do(at.Context(), "POST", "/realtime/tickets", map[string]string{"document": document}).Into(&made))
	return made.Ticket
}

func (at *site) dial(kind string, node *rig.Node, document string) dialed {
	path := "/api/v1/yjs"
	if kind != plain {
		path = "/api/v1/hocuspocus"
	}
	return dialed{Kind: kind, URL: "ws://" + node.Address() + path, Document: document}
}

// Kinds of providers.
const (
	plain       = "y-websocket"
	hocuspocus3 = "hocuspocus3"
	hocuspocus4 = "hocuspocus4"
)

// byTicket opens the document by a ticket.
func (at *site) byTicket(kind string, node *rig.Node, u *rig.User) *peer {
	at.Helper()
	d := at.dial(kind, node, at.document)
	d.Ticket = at.ticket(u, at.document)
	return at.clients.open(at, d)
}

// byToken opens it by an access token: that of y-websocket is a subprotocol.
func (at *site) byToken(kind string, node *rig.Node, u *rig.User) *peer {
	at.Helper()
	d := at.dial(kind, node, at.document)
	if d.Token = u.Access; kind == plain {
		d.Protocols = []string{"atelier.token." + u.Access}
	}
	return at.clients.open(at, d)
}

// everyone opens the document with each kind of provider, each on another node.
func (at *site) everyone() []*peer {
	at.Helper()
	return []*peer{
		at.byTicket(plain, at.node(0), at.owner), at.byToken(plain, at.node(1), at.editor), at.byToken(hocuspocus3, at.node(2), at.owner), at.byTicket(hocuspocus4, at.node(0), at.editor),
	}
}

// content is what the API says that the document has.
func (at *site) content(node *rig.Node, document string) []byte {
	at.Helper()
	r := at.owner.At(node).Do(at.Context(), "GET", "/documents/"+document+"/content", nil)
	require.True(at, r.OK(), "%s", r)
	return r.Body
}

// bytesOf is an expression for bytes.
func bytesOf(b []byte) string {
	text, _ := json.Marshal(base64.StdEncoding.EncodeToString(b))
	return fmt.Sprintf("new Uint8Array(Buffer.from(%s, 'base64'))", text)
}

// textOf is what a document with that content shows.
func (p *peer) textOf(t testing.TB, content []byte) (text string) {
	t.Helper()
	p.run(t, "(() => { const d = new Y.Doc(); Y.applyUpdate(d, "+bytesOf(content)+"); return d.getText('t').toString() })()", &text)
	return text
}

const isSaved = "c.provider.synced && c.acknowledged >= c.written && !c.provider.hasUnsyncedChanges"
