package yjs

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Providers of both protocols edit one document, whichever node each of them is on.
func TestProvidersEditTogether(t *testing.T) {
	t.Parallel()
	onNodes(t, func(t *testing.T, at *site) {
		peers := at.everyone()
		const each = 100
		for i, p := range peers {
			p.run(t, fmt.Sprintf("void (() => { for (let i = 0; i < %d; i++) c.text.insert(Math.floor(Math.random() * (c.text.length + 1)), '%d') })()", each, i))
		}
		at.same(t, peers, each*len(peers))

		// A script adds something: everyone sees it at once.
		at.post(t, peers[0], "(() => { const d = new Y.Doc(); d.getText('t').insert(0, 'script'); return Y.encodeStateAsUpdate(d) })()")
		at.same(t, peers, each*len(peers)+len("script"))

		// Some are away, and write on.
		for _, p := range peers[1:3] {
			p.run(t, "c.disconnect()")
			p.run(t, "c.type(10, 'o')")
		}
		peers[0].run(t, "c.type(10, 'n')")
		for _, p := range peers[1:3] {
			p.run(t, "void c.connect()")
		}
		at.same(t, peers, each*len(peers)+len("script")+30)
		for _, p := range peers {
			var refused int
			p.run(t, "c.refused", &refused)
			require.Zero(t, refused)
		}
	})
}

// same waits until all show the same, so many characters, and know that it is saved;
// the API says so too, and who comes now sees it.
func (at *site) same(t testing.TB, peers []*peer, length int) {
	t.Helper()
	for _, p := range peers {
		p.until(t, fmt.Sprintf("c.text.length === %d && %s", length, isSaved))
	}
	want := peers[0].text(t)
	late := at.byTicket(plain, at.node(1), at.viewer)
	defer late.close(t)
	late.until(t, fmt.Sprintf("c.text.length === %d", length))
	for _, p := range append(peers, late) {
		require.Equal(t, want, p.text(t))
	}
	require.Equal(t, want, peers[0].textOf(t, at.content(at.node(2), at.document)))
}

// post appends what an expression makes, as a script does: again where nobody knows
// what became of it, which changes nothing where it was written.
func (at *site) post(t testing.TB, p *peer, update string) {
	t.Helper()
	var status int
	p.run(t, fmt.Sprintf(`(async () => {
		const body = %s
		for (;;) {
			const { status } = await fetch('http://%s/api/v1/documents/%s/updates', {
				method: 'POST', headers: { Authorization: 'Bearer %s', 'Content-Type': 'application/octet-stream' }, body })
			if (status < 500) return status
			await new Promise(resolve => setTimeout(resolve, 50))
		}
	})()`, update, at.node(1).Address(), at.document, at.owner.Access), &status)
	require.Equal(t, 200, status)
}

// Who is there is told across protocols and nodes, with the user of the token.
func TestProvidersSeeEachOther(t *testing.T) {
	t.Parallel()
	onNodes(t, func(t *testing.T, at *site) {
		peers := at.everyone()
		users := []string{at.owner.ID, at.editor.ID, at.owner.ID, at.editor.ID}
		for i, p := range peers {
			p.run(t, fmt.Sprintf("c.awareness.setLocalState({ user: { name: 'Somebody else', id: 'made up', color: '#%d' }, mark: %d })", i, i))
		}
		for i, p := range peers {
			p.until(t, "c.others().length === 3")
			var others []struct {
				Mark int
				User struct{ ID, Name, Color string }
			}
			p.run(t, "c.others()", &others)
			for _, o := range others {
				require.NotEqual(t, i, o.Mark)
				require.Equal(t, users[o.Mark], o.User.ID)
				require.Equal(t, "Someone", o.User.Name, "the name of the account")
				require.Equal(t, fmt.Sprintf("#%d", o.Mark), o.User.Color)
			}
		}
		// A cursor that moves fast is seen where it has come to.
		peers[3].run(t, "void (() => { for (let i = 0; i < 200; i++) c.awareness.setLocalStateField('cursor', i) })()")
		for _, p := range peers[:3] {
			p.until(t, "c.others().some(s => s.cursor === 199)")
		}
		late := at.byToken(hocuspocus3, at.node(1), at.viewer)
		late.until(t, "c.others().length === 4 && c.others().some(s => s.cursor === 199)")
		peers[0].close(t)
		peers[2].close(t)
		late.until(t, "c.others().length === 2")
		peers[1].until(t, "c.others().every(s => s.mark === undefined || s.mark === 3)")
		// Nobody speaks for others.
		peers[1].run(t, `(() => { const [id, state] = [...c.awareness.getStates()].find(([, s]) => s.mark === 3)
			c.awareness.states.delete(id); c.awareness.meta.get(id).clock += 7; c.awareness.emit('update', [{ added: [], updated: [], removed: [id] }, 'local']) })()`)
		peers[3].run(t, "c.awareness.setLocalStateField('cursor', 500)")
		late.until(t, "c.others().some(s => s.mark === 3 && s.cursor === 500)")
	})
}

func (at *site) closes(t testing.TB, p *peer) (codes []int) {
	t.Helper()
	var closes []struct{ Code int }
	p.run(t, "c.closes", &closes)
	for _, c := range closes {
		codes = append(codes, c.Code)
	}
	return codes
}

func (p *peer) list(t testing.TB, code string) (list []string) {
	t.Helper()
	var raw json.RawMessage
	p.run(t, code, &raw)
	require.NoError(t, json.Unmarshal(raw, &list))
	return list
}
