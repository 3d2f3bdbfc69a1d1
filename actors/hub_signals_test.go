package actors

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// None of many that are sent at one time overtakes another, and keeps it from being
// heard.
func TestSignalsAtOneTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		name := ofDocument("d")
		n := newTown(t, newAnnals(name), "a", "b")
		here, _ := watch(t, n.hub("a"), name)
		there, _ := watch(t, n.hub("b"), name)
		const rounds, senders, each = 40, 8, 20
		for range rounds {
			for range senders {
				go func() {
					for range each {
						n.hub("a").Signal(name, []byte("s"))
						runtime.Gosched()
					}
				}()
			}
			synctest.Wait()
		}
		for _, r := range []*reader{here, there} {
			_, signals := r.saw(t)
			require.Equal(t, rounds*senders*each, len(signals))
		}
	})
}

// A signal reaches all who watch, the sender's node included, once and in the order
// of its node, whoever the owner is.
func TestSignals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		name := ofDocument("d")
		n := newTown(t, newAnnals(name), "a", "b", "c")
		var readers []*reader
		for _, node := range n.nodes {
			r, _ := watch(t, n.hub(node), name)
			readers = append(readers, r)
		}
		var want []string
		for i := range 100 {
			if i == 50 {
				n.moves("b", "a", "b", "c")
				time.Sleep(time.Second)
			}
			for _, node := range n.nodes {
				want = append(want, fmt.Sprint(node, i))
				n.hub(node).Signal(name, []byte(fmt.Sprint(node, i)))
			}
		}
		n.hub("c").Signal(name, make([]byte, maxSignal+1))
		synctest.Wait()
		for _, r := range readers {
			_, signals := r.saw(t)
			require.ElementsMatch(t, want, signals)
			last := map[byte]int{'a': -1, 'b': -1, 'c': -1}
			for _, s := range signals {
				var i int
				_, err := fmt.Sscan(s[1:], &i)
				require.NoError(t, err)
				require.Equal(t, last[s[0]]+1, i, "in their order")
				last[s[0]] = i
			}
		}
		// What comes on two ways comes once.
		s := &messages.Pushed{Kind: name.Kind, Id: name.ID, Said: []*messages.Said{{Node: "c", Number: time.Now().Add(time.Hour).UnixMicro(), Payload: []byte("x")}}}
		for range 2 {
			require.NoError(t, n.hub("a").Pushed(t.Context(), &messages.Push{Node: "b", Pushed: []*messages.Pushed{s}}))
		}
		synctest.Wait()
		_, signals := readers[0].saw(t)
		require.Len(t, signals, len(want)+1)
	})
}
