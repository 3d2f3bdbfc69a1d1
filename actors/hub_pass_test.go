package actors

import (
	"fmt"
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
		name := ofProject("p")
		n := newTown(t, newAnnals(name), "a")
		slow := &slowReader{reader: reader{at: -1}, proceed: make(chan struct{})}
		_, stop, err := n.hub("a").Watch(t.Context(), name, slow)
		require.NoError(t, err)
		defer stop()
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

// slowReader goes on when it may.
type slowReader struct {
	reader
	proceed chan struct{}
	batches []int
}

func (r *slowReader) Committed(b *messages.Batch) {
	<-r.proceed
	r.batches = append(r.batches, len(b.Events))
	r.reader.Committed(b)
}
