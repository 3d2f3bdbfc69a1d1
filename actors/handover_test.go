package actors

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

var errAway = errors.New("the node cannot be reached")

// elsewhere makes a project that n2 holds.
func (w *world) elsewhere() string {
	w.t.Helper()
	id := w.create(10)
	w.Forget()
	w.gone()
	w.ledger.belongs(id, "n2")
	return id
}

func TestWhatAnotherNodeHoldsIsHandedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.elsewhere()
	w.peers.handOver = func(ctx context.Context, node, id string) error {
		deadline, ok := ctx.Deadline()
		assert.True(t, ok)
		assert.Less(t, time.Until(deadline), claimTimeout-reserve, "some time is left for the claim")
		return w.ledger.Release(ctx, id, node)
	}
	require.NoError(t, w.add(id, "bob"))
	require.Equal(t, []string{"n2 for project " + id}, w.peers.calls())
	require.Equal(t, 2, w.ledger.claimed())
	require.Equal(t, "n1", w.ledger.owner(id))
}

func TestANodeThatCannotBeReachedIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.elsewhere()
	w.peers.handOver = func(context.Context, string, string) error { return errAway }
	at, err := w.activate(store.Project, id)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = w.projects.GetProject(ctx, &messages.GetProject{Meta: as(), ProjectId: id})
	require.True(t, messages.HasCode(err, messages.CodeTimeout), "moved, until there is no time left: %v", err)
	<-at.closed
	require.Greater(t, len(w.peers.calls()), 1)
	require.Equal(t, "n2", w.ledger.owner(id))

	tries := 0
	w.peers.mu.Lock()
	w.peers.handOver = func(ctx context.Context, node, id string) error {
		if tries++; tries < 3 {
			return errAway
		}
		return w.ledger.Release(ctx, id, node)
	}
	w.peers.mu.Unlock()
	require.NoError(t, w.add(id, "bob"))
	require.Equal(t, 3, tries)
}

func TestAHandOverThatDoesNotHelpIsMoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.elsewhere()
	w.peers.handOver = func(context.Context, string, string) error { return nil } // and it claims again
	answer, err := NewLocal(w.Runtime).Call(t.Context(), store.Project, id, &messages.GetProject{
		Meta: &messages.Meta{Principal: "ann", RemainingUs: time.Minute.Microseconds()}, ProjectId: id,
	})
	require.NoError(t, err)
	require.True(t, messages.HasCode(answer.(*messages.Error), messages.CodeMoved), "%v", answer)
	require.Len(t, w.peers.calls(), 1, "asked once in a claim")
	require.Equal(t, 2, w.ledger.claimed())
	w.gone()
}

func TestAHandOverLetsFlightsLand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	land, first := w.fly(id)
	second := later(func() error { return w.add(id, "second") })
	w.queued(id, 1)
	at := w.directory.find(store.Project, id)
	handed := later(func() error { return w.HandOver(t.Context(), store.Project, id) })
	w.gone()
	require.Equal(t, lost, probeAt(w, at, func(e *entity[*project.State]) phase { return e.phase }))
	_, err := w.activate(store.Project, id)
	require.True(t, messages.HasCode(err, messages.CodeMoved), "%v", err)
	require.Empty(t, handed)
	require.Equal(t, "n1", w.ledger.owner(id), "not cleared while it flies")
	land()
	require.NoError(t, <-first)
	require.NoError(t, <-handed)
	<-at.closed
	require.NoError(t, <-second, "asked again until the row can be had")
	require.Len(t, w.ledger.state(id).Members(), 2)
}

// Who was let go of before may have a flight in the air that the next owner's claim
// would fence.
func TestAHandOverWaitsForWhoIsLeaving(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	land, first := w.fly(id)
	w.Keep(t.Context(), func(store.Kind, string) bool { return false })
	w.gone()
	handed := later(func() error { return w.HandOver(t.Context(), store.Project, id) })
	require.Eventually(t, func() bool {
		s := w.directory.shard(id)
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.barred) > 0
	}, 5*time.Second, time.Millisecond)
	require.Never(t, func() bool { return w.ledger.owner(id) != "n1" }, 50*time.Millisecond, time.Millisecond, "not cleared while it flies")
	land()
	require.NoError(t, <-first)
	require.NoError(t, <-handed)
	require.Empty(t, w.ledger.owner(id))
	for i := range w.directory.shards {
		require.Empty(t, w.directory.shards[i].leaving)
	}
}

func TestAHandOverOfWhatIsNotLiveClearsTheRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, other := w.create(10), w.elsewhere()
	require.Equal(t, "n1", w.ledger.owner(id))
	require.NoError(t, w.HandOver(t.Context(), store.Project, id))
	require.Empty(t, w.ledger.owner(id))
	require.NoError(t, w.HandOver(t.Context(), store.Project, other))
	require.Equal(t, "n2", w.ledger.owner(other), "not this node's to clear")
	require.NoError(t, w.HandOver(t.Context(), store.Project, newID()))
	require.Zero(t, w.ledger.claimed())
	require.Zero(t, w.Live())
}

// An activation that claims before the row is cleared would believe that it
// holds it.
func TestNothingIsActivatedWhileTheRowIsCleared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	w.ledger.clearing = make(chan struct{})
	handed := later(func() error { return w.HandOver(t.Context(), store.Project, id) })
	<-w.ledger.clearing
	read := later(func() error { _, err := w.read(id); return err })
	_, err := w.activate(store.Project, id)
	require.True(t, messages.HasCode(err, messages.CodeMoved), "%v", err)
	require.Empty(t, read)
	w.ledger.clearing <- struct{}{}
	require.NoError(t, <-handed)
	require.NoError(t, <-read)
	require.Equal(t, "n1", w.ledger.owner(id), "claimed after it was cleared")
}

func TestAHandOverIsAwaitedNoLongerThanAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	land, first := w.fly(id)
	ctx, cancel := context.WithCancel(t.Context())
	handed := later(func() error { return w.HandOver(ctx, store.Project, id) })
	w.gone()
	cancel()
	require.ErrorIs(t, <-handed, context.Canceled)
	require.Equal(t, "n1", w.ledger.owner(id))
	land()
	require.NoError(t, <-first)
	require.NoError(t, w.add(id, "second"))
}

func TestUnknownKindsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.True(t, messages.HasCode(w.HandOver(t.Context(), "room", newID()), messages.CodeNotFound))
	_, err := w.activate("room", newID())
	require.True(t, messages.HasCode(err, messages.CodeNotFound), "%v", err)
}

func TestWhatIsNotOwnedIsForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kept, gone, flying := w.create(10), w.create(10), w.create(10)
	land, first := w.fly(flying)
	second := later(func() error { return w.add(flying, "second") })
	w.queued(flying, 1)
	at := w.directory.find(store.Project, flying)
	w.Keep(t.Context(), func(kind store.Kind, id string) bool { return kind == store.Project && id == kept })
	require.Eventually(t, func() bool { return w.directory.find(store.Project, gone) == nil }, 5*time.Second, time.Millisecond)
	require.NotNil(t, w.directory.find(store.Project, kept))
	require.Equal(t, lost, probeAt(w, at, func(e *entity[*project.State]) phase { return e.phase }))
	require.Empty(t, first)
	land()
	require.NoError(t, <-first, "its flight has landed")
	require.NoError(t, <-second, "what waited was asked again")
	<-at.closed
}
