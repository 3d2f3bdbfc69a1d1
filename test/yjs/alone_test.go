package yjs

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A client that is alone with its document stays connected: a provider that hears
// nothing for 30 s goes and comes again.
func TestALoneClientStays(t *testing.T) {
	t.Parallel()
	onNodes(t, func(t *testing.T, at *site) {
		var alone []*peer
		for i, kind := range []string{plain, hocuspocus3, hocuspocus4} {
			at.document = at.newDocument()
			alone = append(alone, at.byTicket(kind, at.node(i), at.owner))
		}
		for _, p := range alone {
			p.until(t, "c.provider.synced")
			p.run(t, "c.awareness.setLocalStateField('cursor', 1)")
		}
		var denied []*peer
		for i, kind := range []string{hocuspocus3, hocuspocus4} {
			denied = append(denied, at.byToken(kind, at.node(i), at.member(fmt.Sprint("stranger", i))))
			denied[i].until(t, "c.denials.length === 1")
		}
		time.Sleep(loneTime)
		for _, p := range denied { // else each would come again every 30 s
			var sockets int
			p.run(t, "c.sockets", &sockets)
			require.Equal(t, 1, sockets)
		}
		for _, p := range alone {
			var sockets int
			p.run(t, "c.sockets", &sockets)
			require.Equal(t, 1, sockets)
			p.run(t, "c.type(1)")
			p.until(t, isSaved)
			require.Empty(t, at.closes(t, p))
		}
	})
}
