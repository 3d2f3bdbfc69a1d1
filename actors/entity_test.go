package actors

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

func (w *world) read(id string) (*messages.Project, error) {
	return w.projects.GetProject(w.t.Context(), &messages.GetProject{Meta: as(), ProjectId: id})
}

func (w *world) gone() {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return w.Live() == 0 }, 5*time.Second, time.Millisecond)
}

func TestUnknownIDsAreAnsweredAndNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.read(newID())
	require.True(t, messages.HasCode(err, messages.CodeNotFound))
	require.True(t, messages.HasCode(w.add(newID(), "bob"), messages.CodeNotFound))
	w.gone()
	require.Empty(t, w.ledger.written())
}

// A newer node may have moved a command to another kind.
func TestCommandsOfAnotherKindAreNotCarriedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	_, err := ask[*messages.Account](t.Context(), NewLocal(w.Runtime), store.Project, id, &messages.UpdateAccount{Meta: as()})
	require.True(t, messages.HasCode(err, messages.CodeUnavailable), err)
	_, err = w.read(id)
	require.NoError(t, err)
	require.Zero(t, w.ledger.claims, "the activation lives on")
}

func TestReadsShowTheDurableState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	landFirst, first := w.fly(id)
	landSecond := w.ledger.hold()
	read := later(func() *messages.Project {
		p, err := w.read(id)
		require.NoError(t, err)
		return p
	})
	w.queued(id, 1)
	second := later(func() error { return w.add(id, "second") })
	w.queued(id, 2)
	require.Empty(t, read, "the database may show what is in the air, and nobody may see it come and go")
	landFirst()
	require.NoError(t, <-first)
	require.EqualValues(t, 2, (<-read).GetVersion(), "it waits for one flight, and shows what has landed")
	landSecond()
	require.NoError(t, <-second)
	p, err := w.read(id)
	require.NoError(t, err)
	require.EqualValues(t, 3, p.GetVersion())
	require.Len(t, w.ledger.written(), 3, "the lease vouches for reads")
}

func TestWithoutTrustTheFenceVouches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	w.lease.trust.Store(false)
	_, err := w.read(id)
	require.NoError(t, err)
	require.Len(t, w.ledger.written(), 2, "the read went to the database")
	w.ledger.steal(id)
	p, err := w.read(id)
	require.NoError(t, err)
	require.EqualValues(t, 1, p.GetVersion())
	require.Equal(t, 1, w.ledger.claims, "the fence was lost, and with it the activation")

	w.lease.trust.Store(true)
	before := len(w.ledger.written())
	_, err = w.read(id)
	require.NoError(t, err)
	require.Len(t, w.ledger.written(), before, "the claim is of this era")
	w.lease.era.Add(1)
	_, err = w.read(id)
	require.NoError(t, err)
	require.Equal(t, 2, w.ledger.claims, "another era: a check would not do, since another node's claim may be under way")
	_, err = w.read(id)
	require.NoError(t, err)
	require.Equal(t, 2, w.ledger.claims)
	require.Len(t, w.ledger.written(), before)
	w.lease.era.Add(1)
	require.NoError(t, w.add(id, "bob"))
	require.Equal(t, 3, w.ledger.claims, "changes too start from a claim of the era")
}

func TestRefusalsWithoutTrustAreVerifiedToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(0)
	w.lease.trust.Store(false)
	before := len(w.ledger.written())
	require.True(t, messages.HasCode(w.add(id, "bob"), messages.CodeCollaboratorLimitReached))
	require.Len(t, w.ledger.written(), before+1)
}

func TestForgettingLetsFlightsLand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	land, first := w.fly(id)
	second := later(func() error { return w.add(id, "second") })
	w.queued(id, 1)
	at := w.directory.find(store.Project, id)
	w.Forget()
	require.Equal(t, lost, probeAt(w, at, func(e *entity[*project.State]) phase { return e.phase }))
	land()
	require.NoError(t, <-first)
	require.NoError(t, <-second, "asked again of the next activation")
	require.Len(t, w.ledger.state(id).Members(), 2)
	<-at.closed
}

func TestTheBarrierComesBeforeTheReply(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	require.NoError(t, w.add(id, "bob"))
	w.barrier.wait = make(chan func())
	remove := func(m *messages.Meta) <-chan error {
		return later(func() error {
			_, err := w.projects.RemoveCollaborator(t.Context(), &messages.RemoveCollaborator{Meta: m, ProjectId: id, UserId: "bob"})
			return err
		})
	}
	removed := remove(keyed("k", "f"))
	done := <-w.barrier.wait
	require.Empty(t, removed)
	p, err := w.read(id)
	require.NoError(t, err)
	require.Zero(t, p.GetCollaboratorCount(), "it is written, and may be seen while the barrier is awaited")
	waiting := later(func() error { return w.add(id, "cid") })
	w.queued(id, 1)
	done()
	require.NoError(t, <-removed)
	require.NoError(t, <-waiting)
	require.Equal(t, []messages.Mark{{Project: id, User: "bob"}}, w.barrier.marks()[0])

	again := remove(keyed("k", "f"))
	done = <-w.barrier.wait
	require.Empty(t, again, "a stored reply repeats the barrier")
	done()
	require.NoError(t, <-again)
}

func TestWhatChangesNothingComesToTheBarrierToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	hide := func(m *messages.Meta) <-chan error {
		return later(func() error {
			private := false
			_, err := w.projects.UpdateProject(t.Context(), &messages.UpdateProject{Meta: m, ProjectId: id, Settings: &messages.SettingsChange{Public: &private}})
			return err
		})
	}
	w.barrier.wait = make(chan func())
	// It is private already, perhaps by an attempt that nobody heard the end of.
	for _, m := range []*messages.Meta{as(), keyed("k", "f"), keyed("k", "f")} {
		hidden := hide(m)
		done := <-w.barrier.wait
		require.Empty(t, hidden)
		done()
		require.NoError(t, <-hidden)
	}
}

func TestAnUnknownOutcomeComesToTheBarrier(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	require.NoError(t, w.add(id, "bob"))
	w.ledger.next(outcomeOf{apply: true, err: errors.New("the connection broke")})
	_, err := w.projects.RemoveCollaborator(t.Context(), &messages.RemoveCollaborator{Meta: as(), ProjectId: id, UserId: "bob"})
	require.NoError(t, err)
	require.Equal(t, []messages.Mark{{Project: id, User: "bob"}}, w.barrier.marks()[0])
}

func TestHintsComeAfterTheReply(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	land, first := w.fly(id)
	require.EqualValues(t, 1, w.hints.committed.Load(), "only the creation's")
	land()
	require.NoError(t, <-first)
	require.Eventually(t, func() bool { return w.hints.committed.Load() == 2 }, 5*time.Second, time.Millisecond)
}

func TestAFullQueueIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	land, first := w.fly(id)
	at := w.directory.find(store.Project, id)
	for range maxQueue {
		m := as()
		m.RemainingUs = time.Minute.Microseconds()
		w.system.Root.Send(at.pid, &messages.AddCollaborator{Meta: m, ProjectId: id, UserId: "bob"})
	}
	w.queued(id, maxQueue)
	require.True(t, messages.HasCode(w.add(id, "cid"), messages.CodeOverloaded))
	land()
	require.NoError(t, <-first)
	require.NoError(t, w.add(id, "cid"))
	require.Len(t, w.ledger.state(id).Members(), 3)
}

func TestExpiredCommandsAreNotDecided(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	land, first := w.fly(id)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := w.projects.AddCollaborator(ctx, &messages.AddCollaborator{Meta: as(), ProjectId: id, UserId: "late"})
	require.True(t, messages.HasCode(err, messages.CodeTimeout))
	land()
	require.NoError(t, <-first)
	require.NoError(t, w.add(id, "bob"))
	require.Len(t, w.ledger.state(id).Members(), 2, "nobody waited for the late one any more")
}

func TestPassivation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	w.sweep(time.Now())
	_, err := w.read(id)
	require.NoError(t, err)
	require.EqualValues(t, 1, w.Live(), "it was used a moment ago")
	w.sweep(time.Now().Add(2 * w.config.IdleAfter))
	w.gone()
	p, err := w.read(id)
	require.NoError(t, err)
	require.Equal(t, id, p.GetId())

	land, first := w.fly(id)
	w.sweep(time.Now().Add(2 * w.config.IdleAfter))
	require.EqualValues(t, 1, w.Live(), "what is in the air keeps it")
	land()
	require.NoError(t, <-first)
}

func TestTheNumberOfEntitiesIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.MaxEntities = 4 })
	used := func(ago time.Duration) {
		w.directory.each(func(at *slot) { at.used.Store(time.Now().Add(-ago).Unix()) })
	}
	first := w.create(2)
	for range 5 {
		w.create(1) // a little over is let through while the janitor is on his way
		used(-time.Hour)
	}
	create := func(patience time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err := w.projects.CreateProject(ctx, &messages.CreateProject{Meta: as(), ProjectId: newID(), Name: "n"})
		return err
	}
	err := create(20 * time.Millisecond)
	require.True(t, messages.HasCode(err, messages.CodeOverloaded) || messages.HasCode(err, messages.CodeTimeout), "%v", err)
	used(time.Minute)
	require.Eventually(t, func() bool { return create(time.Second) == nil }, 5*time.Second, time.Millisecond,
		"those who were idle make room at once, a minute is not long otherwise")
	require.Eventually(t, func() bool { return w.Live() <= 4 }, 5*time.Second, time.Millisecond)
	require.NoError(t, w.add(first, "bob"))
}

func TestTheLongestIdleMakeRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.MaxEntities = 100 })
	now := time.Now()
	for i := range 100 {
		w.directory.get(store.Project, w.create(1), nil).used.Store(now.Add(-time.Duration(i) * time.Second).Unix())
	}
	w.sweep(now)
	require.EqualValues(t, 100, w.Live(), "as many as there may be")
	require.Equal(t, 90*time.Second, w.longestIdle(10, now))
	require.Equal(t, leastIdle, w.longestIdle(1000, now), "who is in use stays")
	w.directory.live.Add(1) // one too many: room is made for a fifth more
	w.sweep(now)
	w.directory.live.Add(-1)
	require.Eventually(t, func() bool { return w.Live() == 79 }, 5*time.Second, time.Millisecond)
	w.directory.each(func(at *slot) { require.Less(t, at.idle(now), 80*time.Second) })
}

func TestStopLetsWhatWasDecidedLand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	land, first := w.fly(id)
	stopped := later(func() error { return w.Stop(context.Background()) })
	w.gone()
	require.Empty(t, stopped)
	require.True(t, messages.HasCode(func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := w.projects.GetProject(ctx, &messages.GetProject{Meta: as(), ProjectId: id})
		return err
	}(), messages.CodeUnavailable))
	land()
	require.NoError(t, <-first)
	require.NoError(t, <-stopped)
	require.Len(t, w.ledger.state(id).Members(), 1)
}

// One that was let go of already, and fails as its flight lands, stops all the same:
// whoever takes over waits for that.
func TestAPanicOfWhoIsLeavingIsItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	land, answer := w.fly(id)
	w.hints.defect.Store(true)
	at := w.directory.find(store.Project, id)
	w.Keep(t.Context(), func(store.Kind, string) bool { return false })
	w.gone()
	land()
	select {
	case <-at.closed:
	case <-time.After(5 * time.Second):
		t.Fatal("it lives on")
	}
	w.hints.defect.Store(false)
	require.NoError(t, <-answer, "it was carried out, as who asks again hears")
}

// faulty is a kind whose rules fail in every way that rules must not.
func faulty(w *world, reply func(*project.State, *messages.ArchiveProject, time.Time) *messages.Done) {
	w.kinds[store.Project] = newKind(w.Runtime, spec[*project.State]{
		name: store.Project, claimer: w.ledger, empty: func() *project.State { return &project.State{} },
		stream: project.Stream, changes: project.Changes,
		creates: func(c messages.Command) bool { _, ok := c.(*messages.CreateProject); return ok },
		receive: func(turn turn[*project.State], c messages.Command) {
			switch c := c.(type) {
			case *messages.ActivateProject:
				write(turn, c, func(*project.State, *messages.ActivateProject, time.Time) ([]messages.Event, error) {
					panic("a defect")
				}, done)
			case *messages.RestoreProject:
				write(turn, c, func(*project.State, *messages.RestoreProject, time.Time) ([]messages.Event, error) {
					return nil, errors.New("no refusal")
				}, done)
			case *messages.ArchiveProject:
				write(turn, c, func(*project.State, *messages.ArchiveProject, time.Time) ([]messages.Event, error) { return nil, nil }, reply)
			default:
				receiveProject(turn, c)
			}
		},
	})
	w.probed(store.Project)
}

func TestAPanicInARuleIsThatCommandsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	faulty(w, done)
	id := w.create(10)
	land, first := w.fly(id)
	broken := later(func() error {
		_, err := w.projects.ActivateProject(t.Context(), &messages.ActivateProject{Meta: as(), ProjectId: id})
		return err
	})
	w.queued(id, 1)
	sound := later(func() error { return w.add(id, "bob") })
	w.queued(id, 2)
	land()
	require.NoError(t, <-first)
	require.True(t, messages.HasCode(<-broken, messages.CodeInternal))
	require.NoError(t, <-sound)
	_, err := w.projects.RestoreProject(t.Context(), &messages.RestoreProject{Meta: as(), ProjectId: id})
	require.True(t, messages.HasCode(err, messages.CodeInternal))
	require.NotContains(t, fmt.Sprint(err), "no refusal")
	require.Zero(t, w.ledger.claims, "the activation lives on")
}

func TestAPanicOutsideOfRulesEndsTheActivation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	faulty(w, func(*project.State, *messages.ArchiveProject, time.Time) *messages.Done { panic("a defect") })
	id := w.create(10)
	_, err := w.projects.ArchiveProject(t.Context(), &messages.ArchiveProject{Meta: as(), ProjectId: id})
	require.True(t, messages.HasCode(err, messages.CodeInternal), "%v", err)
	w.gone()
	require.NoError(t, w.add(id, "bob"))
	require.Equal(t, 1, w.ledger.claims)
}
