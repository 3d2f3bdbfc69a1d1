package yjs

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/test/rig"
)

// Who may only read sees what others write and writes nothing, until he may.
func TestReadersWriteWhenTheyMay(t *testing.T) {
	t.Parallel()
	onNodes(t, func(t *testing.T, at *site) {
		writer := at.byTicket(plain, at.node(0), at.owner)
		simple, other := at.byToken(plain, at.node(1), at.viewer), at.byToken(hocuspocus3, at.node(2), at.viewer)
		newest := at.byTicket(hocuspocus4, at.node(1), at.viewer)
		readers := []*peer{simple, other, newest}
		writer.run(t, "c.type(5, 'w')")
		for _, r := range readers {
			r.until(t, "c.provider.synced && c.text.toString() === 'wwwww'")
		}
		for _, r := range readers[1:] {
			r.until(t, "!c.provider.hasUnsyncedChanges")
			require.Equal(t, []string{"readonly"}, r.list(t, "c.scopes"))
			r.run(t, "c.type(1, 'r')")
			r.until(t, "c.refused === 1")
		}
		simple.run(t, "c.type(1, 'r')")
		writer.run(t, "c.type(1, 'w')")
		for _, r := range readers {
			r.until(t, "c.text.toString().includes('wwwwww') || c.text.toString().split('w').length === 7")
		}
		require.Equal(t, "wwwwww", writer.text(t))
		require.Equal(t, "wwwwww", writer.textOf(t, at.content(at.node(2), at.document)))

		r := at.owner.At(at.node(2)).ChangeRole(at.Context(), at.project, at.viewer.ID, "editor")
		require.True(t, r.OK(), "%s", r)
		for _, r := range readers[1:] {
			r.until(t, "c.scopes.length === 2")
			require.Equal(t, []string{"readonly", "read-write"}, r.list(t, "c.scopes"))
		}
		simple.until(t, "c.sockets === 2 && "+isSaved)               // it came again, and brought what it had
		writer.until(t, "c.text.toString().split('r').length === 4") // all that the three had
		other.run(t, "c.type(1, 'R')")
		writer.until(t, "c.text.toString().includes('R')")

		r = at.owner.At(at.node(1)).ChangeRole(at.Context(), at.project, at.viewer.ID, "commenter")
		require.True(t, r.OK(), "%s", r)
		before := writer.text(t)
		other.run(t, "c.type(1, 'z')")
		other.until(t, "c.scopes.at(-1) === 'readonly' && c.refused === 2")
		require.Equal(t, before, writer.text(t))
	})
}

// Who is removed is shown nothing that is written after the reply.
func TestRemovalCutsSockets(t *testing.T) {
	t.Parallel()
	onNodes(t, func(t *testing.T, at *site) {
		writer := at.byTicket(plain, at.node(0), at.owner)
		var gone []*peer
		for i, kind := range []string{plain, hocuspocus3, hocuspocus4} {
			gone = append(gone, at.byToken(kind, at.node(i), at.editor))
		}
		writer.run(t, "c.type(3)")
		for _, p := range gone {
			p.until(t, "c.provider.synced && c.text.length === 3")
		}
		r := at.owner.At(at.node(1)).Remove(at.Context(), at.project, at.editor.ID)
		require.True(t, r.OK(), "%s", r)
		writer.run(t, "c.type(3, 's')")
		writer.until(t, isSaved)
		for _, p := range gone {
			p.run(t, "c.type(1, 'g')")
			p.until(t, "c.closes.length > 0")
			require.Equal(t, 4403, at.closes(t, p)[0])
		}
		gone[1].until(t, "c.denials.length > 0")
		require.Equal(t, "xxxsss", writer.text(t))
		for _, p := range gone {
			require.Equal(t, "xxxg", p.text(t))
		}
		var sockets int
		gone[0].run(t, "c.sockets", &sockets)
		require.Equal(t, 1, sockets, "it does not come again")

		r = at.owner.At(at.node(2)).Do(at.Context(), "DELETE", "/documents/"+at.document, nil)
		require.True(t, r.OK(), "%s", r)
		writer.until(t, "c.closes.length > 0")
		require.Equal(t, []int{4404}, at.closes(t, writer))
	})
}

// With updates of his in the air somebody is removed. What is in the document when the
// reply is there is all that he has written to it.
func TestNothingLandsAfterTheRemoval(t *testing.T) {
	t.Parallel()
	onNodes(t, func(t *testing.T, at *site) {
		writer := at.byTicket(plain, at.node(0), at.owner)
		writer.until(t, "c.provider.synced")
		for round := range removals {
			kinds := []string{plain, hocuspocus3, hocuspocus4}
			var gone []*peer
			for i, kind := range kinds {
				p := at.byToken(kind, at.node(round+i), at.editor)
				p.until(t, "c.provider.synced")
				p.run(t, "void (c.typing = setInterval(() => c.type(1), 0))")
				gone = append(gone, p)
			}
			gone[round%len(gone)].until(t, "c.written > 20")
			r := at.owner.At(at.node(round+1)).Remove(at.Context(), at.project, at.editor.ID)
			require.True(t, r.OK(), "%s", r)
			then := at.content(at.node(round+2), at.document)
			for _, p := range gone {
				p.until(t, "c.closes.length > 0")
				p.run(t, "void clearInterval(c.typing)")
			}
			writer.run(t, "c.type(1, 'w')")
			writer.until(t, isSaved) // behind all that was on its way
			now := at.content(at.node(round), at.document)
			for i, p := range gone {
				var before, after int
				clock := func(content []byte) string {
					return "Y.decodeStateVector(Y.encodeStateVectorFromUpdate(" + bytesOf(content) + ")).get(c.doc.clientID) ?? 0"
				}
				p.run(t, clock(then), &before)
				p.run(t, clock(now), &after)
				require.Equal(t, before, after, "updates of a %s client have landed after the reply, in round %d", kinds[i], round)
				p.close(t)
			}
			r = at.owner.At(at.node(round)).Add(at.Context(), at.project, at.editor.ID, "editor")
			require.True(t, r.OK(), "%s", r)
		}
	})
}

// A token that is not good opens nothing, a session that ends closes what it opened,
// and a new token takes the place of the old one on the open socket.
func TestTokens(t *testing.T) {
	t.Parallel()
	onNodes(t, func(t *testing.T, at *site) {
		wrong := &rig.User{ID: at.editor.ID, Access: at.editor.Access[:len(at.editor.Access)-5] + "AAAAA"}
		bad := at.byToken(plain, at.node(1), wrong)
		bad.until(t, "c.closes.length === 1")
		require.Equal(t, []int{4401}, at.closes(t, bad))
		denied := at.byToken(hocuspocus3, at.node(2), wrong)
		denied.until(t, "c.denials.length === 1")
		require.Equal(t, []string{"invalid_token"}, denied.list(t, "c.denials"))
		stranger := at.byToken(hocuspocus4, at.node(0), at.member("stranger"))
		stranger.until(t, "c.denials.length === 1")
		require.Equal(t, []string{"not_found"}, stranger.list(t, "c.denials"))
		nobody := at.clients.open(t, at.dial(plain, at.node(0), at.document))
		nobody.until(t, "c.closes.length === 1")
		require.Equal(t, []int{4401}, at.closes(t, nobody))
		ticket := at.dial(plain, at.node(1), at.newDocument())
		ticket.Ticket = at.ticket(at.editor, at.document)
		other := at.clients.open(t, ticket)
		other.until(t, "c.closes.length === 1")
		require.Equal(t, []int{4401}, at.closes(t, other), "the ticket is for another document")

		misnamed := at.clients.open(t, at.dial(plain, at.node(1), "minutes"))
		misnamed.until(t, "c.closes.length === 1 && !c.provider.shouldConnect")
		require.Equal(t, []int{4404}, at.closes(t, misnamed), "no document has such an id, and it does not come again")

		header := at.dial(plain, at.node(2), at.document)
		header.Headers = map[string]string{"Authorization": "Bearer " + at.owner.Access}
		open := at.clients.open(t, header)
		for _, kind := range []string{hocuspocus3, hocuspocus4} {
			p := at.byToken(kind, at.node(1), at.editor)
			p.until(t, "c.provider.synced")
			renewed, r := at.editor.At(at.node(0)).Renew(at.Context(), at.editor.Refresh)
			require.NotNil(t, renewed, "%s", r)
			at.editor.Access, at.editor.Refresh = renewed.Access, renewed.Refresh
			p.run(t, fmt.Sprintf("c.token = '%s'", renewed.Access))
			p.run(t, "void c.provider.sendToken()")
			p.until(t, "c.scopes.length === 2 && c.sockets === 1 && c.denials.length === 0")
			p.run(t, "c.type(1)")
			p.until(t, isSaved)
			p.close(t)
		}
		open.until(t, "c.text.length === 2")
		session := at.byToken(plain, at.node(1), at.editor)
		session.until(t, "c.provider.synced")
		r := at.editor.At(at.node(0)).Do(at.Context(), "POST", "/auth/logout", nil)
		require.True(t, r.OK(), "%s", r)
		session.until(t, "c.closes.length === 1")
		require.Equal(t, []int{4401}, at.closes(t, session))
	})
}
