package actors

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// What comes while those who watch are being told goes to them together, but no more of
// it than fits.
func TestWhatComesMeanwhileIsToldTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, name, slow := newSlowReader(t)
		var want []string
		commit := func(data string) {
			want = append(want, data)
			n.commit("a", name, data)
		}
		commit("first")
		synctest.Wait() // in the call
		for i := range toldEvents + 1 {
			commit(fmt.Sprint(i))
		}
		n.hub("a").Signal(name, []byte("between"))
		commit("last")
		close(slow.proceed)
		synctest.Wait()
		events, _ := slow.saw(t)
		require.Equal(t, want, events)
		require.Equal(t, []int{1, toldEvents, 1, 1}, slow.batches)
	})
}

// And so does what is said meanwhile.
func TestWhatIsSaidMeanwhileIsToldTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, name, slow := newSlowReader(t)
		var want []string
		say := func(text string) {
			want = append(want, text)
			n.hub("a").Signal(name, []byte(text))
		}
		say("first")
		synctest.Wait() // in the call
		for i := range 20 {
			say(fmt.Sprint(i))
		}
		n.commit("a", name, "between")
		say("last")
		large := strings.Repeat("x", maxSignal)
		for range 3 {
			say(large)
		}
		close(slow.proceed)
		synctest.Wait()
		_, signals := slow.saw(t)
		require.Equal(t, want, signals)
		require.Equal(t, []int{1, 20, 3, 1}, slow.said)
	})
}

// slowReader goes on when it may.
type slowReader struct {
	reader
	proceed chan struct{}
	batches []int
	said    []int
}

func newSlowReader(t *testing.T) (n *town, name messages.Topic, r *slowReader) {
	name = ofProject("p")
	n = newTown(t, newAnnals(name), "a")
	r = &slowReader{reader: reader{at: -1}, proceed: make(chan struct{})}
	_, stop, err := n.hub("a").Watch(t.Context(), name, r)
	require.NoError(t, err)
	t.Cleanup(stop)
	return n, name, r
}

func (r *slowReader) Signals(all []*messages.Signal) {
	<-r.proceed
	r.said = append(r.said, len(all))
	r.reader.Signals(all)
}

func (r *slowReader) Committed(b *messages.Batch) {
	<-r.proceed
	r.batches = append(r.batches, len(b.Events))
	r.reader.Committed(b)
}
