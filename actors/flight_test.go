package actors

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/actors/project"
	"atelier/actors/store"
	"atelier/messages"
)

// fly puts a first command of the project into the air and returns when it is
// there, with the function that lets it land.
func (w *world) fly(id string) (land func(), answer <-chan error) {
	w.t.Helper()
	land = w.ledger.hold()
	answer = later(func() error { return w.add(id, "first") })
	<-w.ledger.arrived
	return land, answer
}

func TestWhatWaitsLeavesTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(100)
	land, first := w.fly(id)
	var answers []<-chan error
	for i := range 16 {
		answers = append(answers, later(func() error { return w.add(id, fmt.Sprint("user", i)) }))
	}
	w.queued(id, 16)
	land()
	require.NoError(t, <-first)
	for _, a := range answers {
		require.NoError(t, <-a)
	}
	require.Len(t, w.ledger.written(), 3, "creation, the first and all that waited")
	s := w.ledger.state(id)
	require.Len(t, s.Members(), 17)
	require.EqualValues(t, 18, s.Version, "versions count commands, not commits")
	require.EqualValues(t, 18, s.Seq)
}

func TestOneFlightAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(100)
	land, first := w.fly(id)
	second := later(func() error { return w.add(id, "second") })
	w.queued(id, 1)
	require.Len(t, w.ledger.written(), 2, "the second waits undecided")
	land()
	require.NoError(t, <-first)
	require.NoError(t, <-second)
}

func TestRefusalsLeaveWithTheirFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(2)
	landFirst, first := w.fly(id)
	landSecond := w.ledger.hold()
	second := later(func() error { return w.add(id, "second") })
	w.queued(id, 1)
	third := later(func() error { return w.add(id, "third") })
	w.queued(id, 2)
	landFirst()
	require.NoError(t, <-first)
	<-w.ledger.arrived
	require.Equal(t, 2, inspect(w, id, func(e *entity[*project.State]) int { return len(e.air.commands) }))
	require.Empty(t, third, "the refusal rests on a change that may still fail")
	landSecond()
	require.NoError(t, <-second)
	require.True(t, messages.HasCode(<-third, messages.CodeCollaboratorLimitReached))
}

func TestARefusalIsDecidedAgainWhenItsGroundFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(2)
	land, first := w.fly(id)
	ghost := later(func() error { return w.add(id, "ghost") })
	w.queued(id, 1)
	guest := later(func() error { return w.add(id, "guest") })
	w.queued(id, 2)
	writes := 0
	w.ledger.users = func() bool { writes++; return writes != 2 } // first, [ghost], guest
	land()
	require.NoError(t, <-first)
	require.True(t, messages.HasCode(<-ghost, messages.CodeNotFound))
	require.NoError(t, <-guest, "refused for the ghost's seat, which was not taken")
}

func TestAConstraintRefusesOneOfMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(100)
	land, first := w.fly(id)
	var answers []<-chan error
	for i := range 4 {
		answers = append(answers, later(func() error { return w.add(id, fmt.Sprint("user", i)) }))
		w.queued(id, i+1)
	}
	writes := 0
	w.ledger.users = func() bool { writes++; return writes != 2 && writes != 4 } // first, all four, then one by one: the second
	land()
	require.NoError(t, <-first)
	for i, a := range answers {
		if err := <-a; i == 1 {
			require.True(t, messages.HasCode(err, messages.CodeNotFound))
		} else {
			require.NoError(t, err, "user %d", i)
		}
	}
	require.Len(t, w.ledger.state(id).Members(), 4)
}

func TestAFencedFlightIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	require.NoError(t, w.add(id, "bob"))
	w.ledger.steal(id)
	require.NoError(t, w.add(id, "cid"), "the next activation reads the row anew")
	require.Equal(t, 1, w.ledger.claims)
	require.Len(t, w.ledger.state(id).Members(), 2)
}

func TestAnUnknownOutcomeHasOneEffect(t *testing.T) {
	t.Parallel()
	for _, applied := range []bool{true, false} {
		t.Run(fmt.Sprint("applied=", applied), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.create(10)
			w.ledger.next(outcomeOf{apply: applied, err: errors.New("the connection broke")})
			ctx, outcome := messages.WithOutcome(t.Context())
			c, err := w.projects.AddCollaborator(ctx, &messages.AddCollaborator{Meta: as(), ProjectId: id, UserId: "bob"})
			require.NoError(t, err)
			require.Equal(t, "bob", c.GetUserId())
			require.False(t, outcome.Replayed, "the earlier attempt was this very request")
			s := w.ledger.state(id)
			require.Len(t, s.Members(), 1)
			require.EqualValues(t, 2, s.Version)
		})
	}
}

func TestARetriedRefusalIsLookedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(1)
	w.ledger.next(outcomeOf{apply: true, err: errors.New("the connection broke")})
	require.NoError(t, w.add(id, "bob"), "asked again there is no seat, but the seat is his own")
}

func TestAnUnavailableDatabaseIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	w.ledger.next(outcomeOf{err: fmt.Errorf("%w: no route", store.ErrUnavailable)})
	require.True(t, messages.HasCode(w.add(id, "bob"), messages.CodeUnavailable))
	require.NoError(t, w.add(id, "bob"), "the entity lives on")
	require.Zero(t, w.ledger.claims)
}

// addTwo adds bob, whose commit ends so, and cid, who waits behind it.
func (w *world) addTwo(id string, bob outcomeOf) (first, second error) {
	w.t.Helper()
	w.ledger.next(bob)
	land := w.ledger.hold()
	flying := later(func() error { return w.add(id, "bob") })
	<-w.ledger.arrived
	waiting := later(func() error { return w.add(id, "cid") })
	require.Eventually(w.t, func() bool {
		return inspect(w, id, func(e *entity[*project.State]) bool { return len(e.queue) == 1 })
	}, 5*time.Second, time.Millisecond)
	land()
	return <-flying, <-waiting
}

// Nobody waits for a second round of a database that has just been found silent: who
// was on the way is told that it may have been done, and who waited that it was not.
func TestASilentDatabaseIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	first, second := w.addTwo(id, outcomeOf{apply: true, err: fmt.Errorf("%w: given up", store.ErrSilent)})
	require.True(t, messages.HasCode(first, messages.CodeOutcomeUnknown), "%v", first)
	require.True(t, messages.HasCode(second, messages.CodeUnavailable), "%v", second)
	require.Zero(t, w.ledger.claims, "neither was tried again")
	require.NoError(t, w.add(id, "cid"))
	require.Len(t, w.ledger.state(id).Members(), 2, "what was on the way had been done")
}

// Where nothing was sent, that is said, to those who wait as well.
func TestNobodyWaitsBehindASilentDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	first, second := w.addTwo(id, outcomeOf{err: fmt.Errorf("%w: %w: no connection", store.ErrSilent, store.ErrUnavailable)})
	require.True(t, messages.HasCode(first, messages.CodeUnavailable), "%v", first)
	require.True(t, messages.HasCode(second, messages.CodeUnavailable), "%v", second)
	require.NoError(t, w.add(id, "cid"), "the entity lives on")
	require.Zero(t, w.ledger.claims)
	require.Len(t, w.ledger.state(id).Members(), 1)
}

func TestDoublesJoinInFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	land := w.ledger.hold()
	type answer struct {
		err      error
		replayed bool
	}
	ask := func(fingerprint string) <-chan answer {
		return later(func() answer {
			ctx, outcome := messages.WithOutcome(t.Context())
			_, err := w.projects.AddCollaborator(ctx, &messages.AddCollaborator{Meta: keyed("k1", fingerprint), ProjectId: id, UserId: "bob"})
			return answer{err, outcome.Replayed}
		})
	}
	first := ask("same")
	<-w.ledger.arrived
	second := ask("same")
	require.Eventually(t, func() bool {
		return inspect(w, id, func(e *entity[*project.State]) bool {
			return slices.ContainsFunc(e.air.commands, func(p *pending[*project.State]) bool { return len(p.others) == 1 })
		})
	}, 5*time.Second, time.Millisecond)
	third := <-ask("other")
	require.True(t, messages.HasCode(third.err, messages.CodeIdempotencyKeyReused))
	land()
	require.Equal(t, answer{}, <-first)
	require.Equal(t, answer{replayed: true}, <-second)
	require.Equal(t, answer{replayed: true}, <-ask("same"), "the stored answer")
	require.True(t, messages.HasCode((<-ask("other")).err, messages.CodeIdempotencyKeyReused))
	require.EqualValues(t, 2, w.ledger.state(id).Version)
}

func TestARepeatedCreationGetsTheFirstOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	create := func(id string) (*messages.Project, *messages.Outcome) {
		ctx, outcome := messages.WithOutcome(t.Context())
		p, err := w.projects.CreateProject(ctx, &messages.CreateProject{Meta: keyed("k", "f"), ProjectId: id, Name: "n"})
		require.NoError(t, err)
		return p, outcome
	}
	first, outcome := create(newID())
	require.False(t, outcome.Replayed)
	second, outcome := create(newID())
	require.True(t, outcome.Replayed)
	require.Equal(t, first.GetId(), second.GetId())
	require.Len(t, w.ledger.rows, 1)
}

func TestRefusalsAreDecidedAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(0)
	add := func() error {
		_, err := w.projects.AddCollaborator(t.Context(), &messages.AddCollaborator{Meta: keyed("k", "f"), ProjectId: id, UserId: "bob"})
		return err
	}
	require.True(t, messages.HasCode(add(), messages.CodeCollaboratorLimitReached))
	seats := int32(1)
	_, err := w.projects.UpdateProject(t.Context(), &messages.UpdateProject{Meta: as(), ProjectId: id, Settings: &messages.SettingsChange{MaxCollaborators: &seats}})
	require.NoError(t, err)
	require.NoError(t, add())
	require.NoError(t, add(), "now it is stored")
	require.Len(t, w.ledger.state(id).Members(), 1)
}

func TestTimeNeverRunsBackwards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create(10)
	require.NoError(t, w.add(id, "bob"))
	before := w.ledger.state(id).UpdatedAt
	w.lease.now.Add(-time.Hour.Microseconds())
	w.Forget()
	require.NoError(t, w.add(id, "cid"))
	require.False(t, w.ledger.state(id).UpdatedAt.Before(before), "the next activation starts from the state's own time")
}
