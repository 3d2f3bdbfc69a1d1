package persistencetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/actors/outbox"
	"atelier/actors/project"
	"atelier/messages"
)

// Outbox is a source of events, with what operators ask of it.
type Outbox interface {
	outbox.Source
	Numberer
	Parked(ctx context.Context) ([]messages.ParkedStream, error)
	Redrive(ctx context.Context, r outbox.Redrive) (streams, events int, err error)
	Sweep(ctx context.Context, longerAgo time.Duration, limit int) (removed int, err error)
}

// everything is the beginning of all streams.
var everything = ""

// leased are all shards, for one node.
func leased(t testing.TB, o Outbox) []outbox.Lease {
	t.Helper()
	held, share, err := o.Lease(t.Context(), "relay", time.Hour, true, &everything)
	require.NoError(t, err)
	require.Equal(t, outbox.Shards, share)
	require.Len(t, held, outbox.Shards)
	return held
}

func unsent(t testing.TB, o Outbox, leases []outbox.Lease, without ...string) []outbox.Event {
	t.Helper()
	events, err := o.Unsent(t.Context(), leases, without, 1000, 100_000)
	require.NoError(t, err)
	return events
}

// byStream checks that each stream is in order, and tells the positions of each.
func byStream(t testing.TB, events []outbox.Event) map[string][]int64 {
	t.Helper()
	seqs := map[string][]int64{}
	for _, e := range events {
		require.Equal(t, outbox.ShardOf(e.Stream), e.Shard)
		if all := seqs[e.Stream]; len(all) > 0 {
			require.Equal(t, all[len(all)-1]+1, e.Seq, "in order in %s", e.Stream)
		}
		seqs[e.Stream] = append(seqs[e.Stream], e.Seq)
	}
	return seqs
}

// busyProject is a project with so many events.
func busyProject(t testing.TB, db *Database, events int) (*entity[*project.State], string) {
	t.Helper()
	p, _ := newUserProject(t, db, "n1")
	for i := 1; i < events; i++ {
		p.commit(t, db, later(i), renamed(fmt.Sprint("name ", i)))
	}
	return p, p.stream(p.state)
}

// unsentEvents: what was committed is there, whole and in order, until it is
// marked.
func unsentEvents(t *testing.T, db *Database) {
	leases := leased(t, db.Outbox)
	require.Empty(t, unsent(t, db.Outbox, leases))
	_, one := busyProject(t, db, 5)
	_, two := busyProject(t, db, 3)
	events := unsent(t, db.Outbox, leases)
	seqs := byStream(t, events)
	require.Equal(t, []int64{1, 2, 3, 4, 5}, seqs[one])
	require.Equal(t, []int64{1, 2, 3}, seqs[two])
	require.Len(t, seqs, 4, "of their owners too")
	for _, e := range events {
		logged := stream(t, db, e.Stream)[e.Seq-1]
		require.Equal(t, logged.GetId(), e.ID)
		require.Equal(t, logged.GetType(), e.Type)
		require.JSONEq(t, string(logged.GetData()), string(e.Data))
		require.Equal(t, messages.Time(logged.GetOccurredAt()), e.OccurredAt)
		require.Equal(t, "trace", e.Trace)
	}
	few, err := db.Outbox.Unsent(t.Context(), leases, nil, 2, 1000)
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2}, byStream(t, few)[one], "so many of a shard")
	few, err = db.Outbox.Unsent(t.Context(), leases, nil, 1000, 3)
	require.NoError(t, err)
	require.Len(t, few, 3)
	byStream(t, few)
	var others []outbox.Lease
	for _, l := range leases {
		if l.Shard != outbox.ShardOf(one) {
			others = append(others, l)
		}
	}
	require.Empty(t, byStream(t, unsent(t, db.Outbox, others))[one], "of leased shards alone")
	require.Empty(t, byStream(t, unsent(t, db.Outbox, leases, one))[one], "but for those left out")

	marked, err := db.Outbox.Mark(t.Context(), leases, events[:4])
	require.NoError(t, err)
	require.Equal(t, 4, marked)
	marked, err = db.Outbox.Mark(t.Context(), leases, events[:5])
	require.NoError(t, err)
	require.Equal(t, 1, marked, "marked once")
	require.Equal(t, events[5:], unsent(t, db.Outbox, leases))
}

// unsentAmidCommits: a relay that reads while others commit misses nothing and
// sees each stream in order.
func unsentAmidCommits(t *testing.T, db *Database) {
	leases := leased(t, db.Outbox)
	const streams, events = 8, 25
	var writers sync.WaitGroup
	for i := range streams {
		p, _ := newUserProject(t, db, "n1")
		engine := []Engine{db.Engine, db.Peer}[i%2]
		writers.Go(func() {
			for j := range events {
				f := p.fly(later(j), renamed(fmt.Sprint("name ", j)), renamed(fmt.Sprint("again ", j)))
				if r := settle(t, engine, f.commit); r.Err != nil {
					t.Error(r.Err)
					return
				}
				p.land(f)
			}
		})
	}
	written := make(chan struct{})
	go func() { writers.Wait(); close(written) }()
	next := map[string]int64{}
	for last := false; ; {
		select {
		case <-written:
			last = true
		default:
		}
		found, err := db.Outbox.Unsent(t.Context(), leases, nil, 7, 50)
		require.NoError(t, err)
		for _, e := range found {
			next[e.Stream]++
			require.Equal(t, next[e.Stream], e.Seq, "in order in %s", e.Stream)
		}
		marked, err := db.Outbox.Mark(t.Context(), leases, found)
		require.NoError(t, err)
		require.Equal(t, len(found), marked)
		if last && len(found) == 0 {
			break
		}
	}
	total := int64(0)
	for _, n := range next {
		total += n
	}
	require.EqualValues(t, streams*(1+1+2*events), total)
}

// parking stops one stream, until it is taken up again.
func parking(t *testing.T, db *Database) {
	leases := leased(t, db.Outbox)
	p, one := busyProject(t, db, 3)
	_, two := busyProject(t, db, 2)
	events := unsent(t, db.Outbox, leases)
	var poison outbox.Event
	for _, e := range events {
		if e.Stream == one && e.Seq == 2 {
			poison = e
		}
	}
	for range 2 {
		require.NoError(t, db.Outbox.Park(t.Context(), leases[poison.Shard], poison, "a reason"))
	}
	p.commit(t, db, later(4), renamed("later"))
	seqs := byStream(t, unsent(t, db.Outbox, leases))
	require.Empty(t, seqs[one])
	require.Equal(t, []int64{1, 2}, seqs[two])
	list, err := db.Outbox.Parked(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.WithinDuration(t, time.Now(), list[0].At, time.Minute)
	list[0].At = time.Time{}
	require.Equal(t, messages.ParkedStream{Stream: one, EventID: poison.ID, Seq: 2, Type: "project.updated", Reason: "a reason"}, list[0])
	backlog, err := db.Outbox.Backlog(t.Context(), leases)
	require.NoError(t, err)
	require.Equal(t, 1, backlog.Parked)
	require.Equal(t, 4, backlog.Unsent, "what is parked does not wait")

	taken, resent, err := db.Outbox.Redrive(t.Context(), outbox.Redrive{Stream: two})
	require.NoError(t, err)
	require.Zero(t, taken+resent)
	taken, resent, err = db.Outbox.Redrive(t.Context(), outbox.Redrive{Stream: one})
	require.NoError(t, err)
	require.Equal(t, []int{1, 0}, []int{taken, resent})
	require.Equal(t, []int64{1, 2, 3, 4}, byStream(t, unsent(t, db.Outbox, leases))[one])
}

// redriving sends again what was sent of late.
func redriving(t *testing.T, db *Database) {
	leases := leased(t, db.Outbox)
	_, one := busyProject(t, db, 4)
	_, two := busyProject(t, db, 2)
	events := unsent(t, db.Outbox, leases)
	_, err := db.Outbox.Mark(t.Context(), leases, events)
	require.NoError(t, err)
	redrive := func(r outbox.Redrive) (events int) {
		_, events, err := db.Outbox.Redrive(t.Context(), r)
		require.NoError(t, err)
		return events
	}
	require.Zero(t, redrive(outbox.Redrive{}))
	require.Zero(t, redrive(outbox.Redrive{Since: time.Microsecond}))
	require.Equal(t, 2, redrive(outbox.Redrive{Stream: two, Since: time.Hour}))
	require.Equal(t, map[string][]int64{two: {1, 2}}, byStream(t, unsent(t, db.Outbox, leases)))
	require.Equal(t, len(events)-2, redrive(outbox.Redrive{Since: time.Hour}))
	require.Equal(t, []int64{1, 2, 3, 4}, byStream(t, unsent(t, db.Outbox, leases))[one])
}

// outboxSwept: what was sent goes when it is old enough, and nothing else does.
func outboxSwept(t *testing.T, db *Database) {
	leases := leased(t, db.Outbox)
	busyProject(t, db, 9)
	events := unsent(t, db.Outbox, leases)
	_, err := db.Outbox.Mark(t.Context(), leases, events[:6])
	require.NoError(t, err)
	for _, step := range []struct {
		longerAgo      time.Duration
		limit, removed int
	}{{time.Hour, 100, 0}, {0, 4, 4}, {0, 100, 2}, {0, 100, 0}} {
		removed, err := db.Outbox.Sweep(t.Context(), step.longerAgo, step.limit)
		require.NoError(t, err)
		require.Equal(t, step.removed, removed)
	}
	require.Equal(t, events[6:], unsent(t, db.Outbox, leases))
	_, resent, err := db.Outbox.Redrive(t.Context(), outbox.Redrive{Since: time.Hour})
	require.NoError(t, err)
	require.Zero(t, resent, "gone")
}

// discarding removes what nobody wants.
func discarding(t *testing.T, db *Database) {
	leases := leased(t, db.Outbox)
	busyProject(t, db, 9)
	discard := func(wanted string, limit int) int {
		n, err := db.Outbox.Discard(t.Context(), leases, wanted, limit)
		require.NoError(t, err)
		return n
	}
	require.Equal(t, 1, discard("projects/", 100), "the user alone")
	require.Len(t, unsent(t, db.Outbox, leases), 9)
	require.Equal(t, []int{3, 3, 3, 0}, []int{discard("users/", 3), discard("", 3), discard("users/", 100), discard("", 100)})
	require.Empty(t, unsent(t, db.Outbox, leases))
}

// backlogs tell how much waits, and for how long.
func backlogs(t *testing.T, db *Database) {
	leases := leased(t, db.Outbox)
	backlog := func() outbox.Backlog {
		b, err := db.Outbox.Backlog(t.Context(), leases)
		require.NoError(t, err)
		return b
	}
	require.Equal(t, outbox.Backlog{}, backlog())
	busyProject(t, db, 9)
	b := backlog()
	require.Equal(t, 10, b.Unsent)
	require.InDelta(t, time.Since(start), b.Oldest, float64(time.Minute), "the events say that they happened then")
	_, err := db.Outbox.Mark(t.Context(), leases, unsent(t, db.Outbox, leases))
	require.NoError(t, err)
	require.Equal(t, outbox.Backlog{}, backlog())
}

// sharedShards: nodes that relay share the shards, each its part, without one being
// leased twice.
func sharedShards(t *testing.T, db *Database) {
	lease := func(o Outbox, node string, share, held int) []outbox.Lease {
		t.Helper()
		list, most, err := o.Lease(t.Context(), node, longTTL, true, &everything)
		require.NoError(t, err)
		require.Equal(t, share, most)
		require.Len(t, list, held)
		return list
	}
	all := lease(db.Outbox, "a", 64, 64)
	lease(db.PeerOutbox, "b", 32, 0)
	require.Equal(t, all, lease(db.Outbox, "a", 32, 64), "until they are given back")
	require.NoError(t, db.Outbox.GiveBack(t.Context(), "a", all[30:], false))
	theirs := lease(db.PeerOutbox, "b", 32, 32)
	for _, l := range theirs {
		require.Greater(t, l.Epoch, all[l.Shard].Epoch)
	}
	lease(db.Outbox, "a", 32, 32)
	lease(db.Outbox, "c", 22, 0)
	require.NoError(t, db.PeerOutbox.GiveBack(t.Context(), "b", theirs, true), "one that leaves")
	lease(db.Outbox, "c", 32, 32)

	// A shard that has changed hands is the old owner's no more.
	_, name := busyProject(t, db, 2)
	busy := outbox.ShardOf(name)
	require.NoError(t, db.Outbox.GiveBack(t.Context(), "a", all, true))
	events := unsent(t, db.Outbox, all)
	for i := range all {
		all[i].Epoch--
	}
	marked, err := db.Outbox.Mark(t.Context(), all, events)
	require.NoError(t, err)
	require.Zero(t, marked)
	require.Error(t, db.Outbox.Park(t.Context(), all[busy], events[0], "a reason"))
	discarded, err := db.Outbox.Discard(t.Context(), all, "", 100)
	require.NoError(t, err)
	require.Zero(t, discarded)
}

// expiredShards are taken over, and their epoch tells.
func expiredShards(t *testing.T, db *Database) {
	before, _, err := db.Outbox.Lease(t.Context(), "a", shortTTL, true, &everything)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		held, _, err := db.PeerOutbox.Lease(t.Context(), "b", longTTL, true, &everything)
		return err == nil && len(held) == outbox.Shards
	}, 10*time.Second, 5*time.Millisecond)
	busyProject(t, db, 2)
	events := unsent(t, db.Outbox, before)
	marked, err := db.Outbox.Mark(t.Context(), before, events)
	require.NoError(t, err)
	require.Zero(t, marked)
	held, share, err := db.Outbox.Lease(t.Context(), "a", longTTL, true, &everything)
	require.NoError(t, err)
	require.Empty(t, held)
	require.Equal(t, outbox.Shards/2, share)
}

// brokerless: who has no broker leaves the events to those who have, for a day.
func brokerless(t *testing.T, db *Database) {
	lease := func(node string, broker bool) (held, share int) {
		list, most, err := db.Outbox.Lease(t.Context(), node, longTTL, broker, &everything)
		require.NoError(t, err)
		return len(list), most
	}
	held, share := lease("without", false)
	require.Equal(t, []int{64, 64}, []int{held, share})
	held, share = lease("with", true)
	require.Equal(t, []int{0, 64}, []int{held, share})
	held, share = lease("without", false)
	require.Equal(t, []int{64, 0}, []int{held, share}, "to be given back")
	list, _, err := db.Outbox.Lease(t.Context(), "without", longTTL, false, nil)
	require.NoError(t, err)
	require.NoError(t, db.Outbox.GiveBack(t.Context(), "without", list, false))
	require.NoError(t, db.Outbox.GiveBack(t.Context(), "with", nil, true))
	held, share = lease("without", false)
	require.Equal(t, []int{0, 0}, []int{held, share}, "it may come back")
	held, share = lease("with", false)
	require.Equal(t, []int{32, 32}, []int{held, share}, "it has given its broker up")
}
