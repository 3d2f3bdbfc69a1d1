package actors

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// Whatever the network loses, doubles and holds back, and whoever takes whom for
// the owner: each who watches is told each event once, in its order.
func TestWatchersAreToldEachEventOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { toldOnce(t, seed) })
		})
	}
}

func toldOnce(t *testing.T, seed uint64) {
	dice := chance(t, seed)
	name := ofProject("p")
	if seed%2 == 1 {
		name = ofDocument("d")
	}
	n := newTown(t, newAnnals(name), "a", "b", "c")
	var mu sync.Mutex
	roll := func(of int) int {
		mu.Lock()
		defer mu.Unlock()
		return dice.IntN(of)
	}
	n.setPushed(func(_, to string, p *messages.Push) error {
		switch roll(10) {
		case 0, 1:
			return errLost
		case 2:
			time.Sleep(time.Duration(roll(4000)) * time.Millisecond) // longer than it is waited for
		case 3:
			_ = n.hub(to).Pushed(t.Context(), p) // and once more
		}
		return nil
	})
	n.setAsked(func(string, string) error {
		if roll(5) == 0 {
			return errLost
		}
		return nil
	})
	var readers []*reader
	for _, node := range n.nodes {
		for range 3 {
			r, _ := watch(t, n.hub(node), name)
			readers = append(readers, r)
		}
	}
	entity, written := "a", 0
	for range 400 {
		switch roll(12) {
		case 0:
			entity = n.nodes[roll(3)]
			n.moves(entity, n.nodes[roll(3):]...) // not all hear of it
		case 1:
			n.moves(entity, n.nodes...)
		case 2:
			r, stop := watch(t, n.hub(n.nodes[roll(3)]), name)
			if roll(2) == 0 {
				stop()
			} else {
				readers = append(readers, r)
			}
		case 3:
			time.Sleep(time.Duration(roll(300)) * time.Millisecond)
		}
		var data []string
		for range 1 + roll(3) {
			written++
			data = append(data, fmt.Sprint(written))
		}
		n.commit(entity, name, data...)
	}
	time.Sleep(10 * time.Second)
	synctest.Wait()
	for i, r := range readers {
		events, _ := r.saw(t)
		require.Equal(t, int64(written), r.at, "reader %d", i)
		for k, e := range events {
			require.Equal(t, fmt.Sprint(written-len(events)+k+1), e)
		}
	}
	require.Positive(t, n.hub("b").Stats().Filled+n.hub("c").Stats().Filled+n.hub("a").Stats().Filled, "nothing was lost: the test shows nothing")
}

// On a healthy network nobody needs the log, and nothing is waited for.
func TestHealthyHubsDoNotReadTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		name := ofProject("p")
		n := newTown(t, newAnnals(name), "a", "b")
		here, _ := watch(t, n.hub("a"), name)
		there, _ := watch(t, n.hub("b"), name)
		for i := range 300 {
			n.commit("a", name, fmt.Sprint(i))
			synctest.Wait()
		}
		for _, r := range []*reader{here, there} {
			events, _ := r.saw(t)
			require.Len(t, events, 300)
		}
		require.Zero(t, n.log.reads)
		require.Less(t, n.hub("a").Stats().Pushes, int64(400))
	})
}

// A node that hangs is told nothing while it does. Neither the entity nor other
// nodes wait for it, what waits is bounded, and then it misses nothing.
func TestNodeThatHangsHoldsUpNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		name := ofProject("p")
		n := newTown(t, newAnnals(name), "a", "b", "c")
		slow, _ := watch(t, n.hub("b"), name)
		other, _ := watch(t, n.hub("c"), name)
		hang := make(chan struct{})
		n.setPushed(func(_, to string, _ *messages.Push) error {
			if to == "b" {
				<-hang
			}
			return nil
		})
		data := strings.Repeat("x", 10_000)
		for range 2000 {
			n.commit("a", name, data)
		}
		synctest.Wait()
		events, _ := other.saw(t)
		require.Len(t, events, 2000)
		require.Less(t, n.hub("a").outbox("b").size, maxOutboxSize+1)
		require.Positive(t, n.hub("a").Stats().Dropped)
		close(hang)
		time.Sleep(2 * renewEvery)
		synctest.Wait()
		events, _ = slow.saw(t)
		require.Len(t, events, 2000)
	})
}

// What is too large to be sent is read from the log.
func TestLargeUpdatesAreNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		name := ofDocument("d")
		n := newTown(t, newAnnals(name), "a", "b")
		r, _ := watch(t, n.hub("b"), name)
		n.setPushed(func(_, _ string, p *messages.Push) error {
			for _, one := range p.GetPushed() {
				for _, e := range one.GetEvents() {
					require.LessOrEqual(t, len(e.GetData()), maxInline)
				}
			}
			return nil
		})
		n.commit("a", name, "small")
		n.commit("a", name, "small too", strings.Repeat("x", maxInline+1), "and small")
		synctest.Wait()
		events, _ := r.saw(t)
		require.Len(t, events, 4)
		require.Positive(t, n.log.reads)
	})
}

// Where what is missing was folded, is not there any more or never was, those who
// watch are told so, once.
func TestWhatCannotBeGivenIsSaid(t *testing.T) {
	t.Parallel()
	for what, spoil := range map[string]func(*annals, messages.Topic){
		"folded":    func(a *annals, name messages.Topic) { a.folded[name] = 2 },
		"deleted":   func(a *annals, name messages.Topic) { delete(a.events, name) },
		"gone back": func(a *annals, name messages.Topic) { a.events[name] = nil },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				name := ofDocument("d")
				n := newTown(t, newAnnals(name), "a", "b")
				r, stop := watch(t, n.hub("b"), name)
				n.commit("a", name, "1")
				synctest.Wait()
				n.setPushed(func(string, string, *messages.Push) error { return errLost })
				n.commit("a", name, "2", "3")
				n.log.change(func() { spoil(n.log, name) })
				time.Sleep(2 * renewEvery)
				synctest.Wait()
				events, _ := r.saw(t)
				require.Equal(t, []string{"1"}, events)
				require.Equal(t, 1, r.losses())
				stop()
				require.Zero(t, n.hub("b").Stats().Watchers)
				if what == "deleted" {
					_, _, err := n.hub("b").Watch(t.Context(), name, r)
					require.True(t, messages.HasCode(err, messages.CodeNotFound), "%v", err)
					return
				}
				n.setPushed(nil)
				again, _ := watch(t, n.hub("b"), name)
				n.commit("a", name, "next")
				synctest.Wait()
				events, _ = again.saw(t)
				require.Equal(t, []string{"next"}, events)
			})
		})
	}
}

// While the log cannot be read nobody is told anything wrong, and afterwards
// nothing is missing. A position that the log never has is no reason to end.
func TestLogThatIsAwayIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		name := ofProject("p")
		n := newTown(t, newAnnals(name), "a", "b")
		r, _ := watch(t, n.hub("b"), name)
		n.setPushed(func(string, string, *messages.Push) error { return errLost })
		n.commit("a", name, "1")
		synctest.Wait()
		n.setPushed(nil)
		n.log.change(func() { n.log.away = errors.New("away") })
		n.commit("a", name, "2")
		time.Sleep(20 * time.Second)
		events, _ := r.saw(t)
		require.Empty(t, events)
		require.Positive(t, n.hub("b").Stats().Unfilled)
		_, _, err := n.hub("b").Watch(t.Context(), ofProject("q"), r)
		require.Error(t, err)
		n.log.change(func() { n.log.away = nil })
		time.Sleep(time.Second)
		synctest.Wait()
		events, _ = r.saw(t)
		require.Equal(t, []string{"1", "2"}, events)
		n.hub("b").topics.find(name).reached(7)
		synctest.Wait()
		n.commit("a", name, "3")
		synctest.Wait()
		events, _ = r.saw(t)
		require.Equal(t, []string{"1", "2", "3"}, events)
		require.Zero(t, r.losses())
	})
}

// A subscription ends when nobody needs it, here and at the owner, and until then
// there is one, however many watch.
func TestSubscriptionsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		name := ofProject("p")
		n := newTown(t, newAnnals(name), "a", "b")
		var stops []func()
		for range 50 {
			_, stop := watch(t, n.hub("b"), name)
			stops = append(stops, stop)
		}
		require.Equal(t, int64(1), n.hub("b").Stats().Topics)
		require.Equal(t, int64(50), n.hub("b").Stats().Watchers)
		require.Equal(t, []string{"b"}, n.hub("a").audiences.nodes(name))
		pushes := 0
		n.setPushed(func(string, string, *messages.Push) error { pushes++; return nil })
		n.commit("a", name, "1")
		synctest.Wait()
		require.Equal(t, 1, pushes)
		time.Sleep(time.Minute)
		require.Equal(t, []string{"b"}, n.hub("a").audiences.nodes(name), "renewed")
		for _, stop := range stops {
			stop()
			stop()
		}
		time.Sleep(lingerFor + audienceTTL + 2*renewEvery)
		require.Zero(t, n.hub("b").Stats().Topics)
		require.Zero(t, n.hub("b").Stats().Watchers)
		require.Zero(t, n.hub("a").Stats().Subscribed)
	})
}

// Who has stopped is not called any more, also where he stops within a call.
func TestStoppedWatchersAreNotCalled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		name := ofProject("p")
		n := newTown(t, newAnnals(name), "a")
		r, stop := watch(t, n.hub("a"), name)
		var within quitter
		_, within.stop, _ = n.hub("a").Watch(t.Context(), name, &within)
		n.commit("a", name, "1")
		synctest.Wait()
		stop()
		n.commit("a", name, "2")
		n.hub("a").Signal(name, []byte("s"))
		synctest.Wait()
		events, signals := r.saw(t)
		require.Equal(t, []string{"1"}, events)
		require.Empty(t, signals)
		require.Equal(t, 1, within.calls)
	})
}

type quitter struct {
	reader
	stop  func()
	calls int
}

func (q *quitter) Committed(*messages.Batch) {
	q.calls++
	q.stop()
}

// Nobody pays for what nobody watches. Not in parallel: it counts.
func TestUnwatchedCommitsCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTown(t, newAnnals(ofProject("p")), "a")
		h := n.hub("a")
		require.Zero(t, testing.AllocsPerRun(100, func() { h.committed("project", "p", nil, nil, nil) }))
		require.Zero(t, testing.AllocsPerRun(100, func() { (*Hub)(nil).committed("project", "p", nil, nil, nil) }))
	})
}

// Where the one who is taken for the owner says that it is not, another one is looked
// for at once, and not in the next round.
func TestOwnersAreLookedForAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		name := ofProject("p")
		n := newTown(t, newAnnals(name), "a", "b", "c")
		set := func(node, owner string) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.owner[node] = owner
		}
		set("a", "c")
		set("c", "c")
		watch(t, n.hub("b"), name)
		require.Equal(t, []string{"b"}, n.hub("a").audiences.nodes(name), "told all the same: views differ for a moment")
		set("b", "c")
		time.Sleep(viewsDiffer + time.Millisecond)
		synctest.Wait()
		require.Equal(t, []string{"b"}, n.hub("c").audiences.nodes(name))
	})
}

// An owner that hangs is waited for once in a round, however much is watched there:
// the log is asked meanwhile, and other owners.
func TestOwnersThatHangHoldUpNoRound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var names []messages.Topic
		for i := range 4 * watchAtOnce {
			names = append(names, ofProject(fmt.Sprint(i)))
		}
		n := newTown(t, newAnnals(names...), "a", "b")
		var readers []*reader
		for _, name := range names {
			r, _ := watch(t, n.hub("b"), name)
			readers = append(readers, r)
		}
		n.setAsked(func(string, string) error {
			time.Sleep(askTimeout)
			return errLost
		})
		n.setPushed(func(string, string, *messages.Push) error { return errLost })
		for _, name := range names {
			n.commit("a", name, "1")
		}
		time.Sleep(renewEvery + askTimeout + time.Millisecond)
		synctest.Wait()
		for _, r := range readers {
			events, _ := r.saw(t)
			require.Equal(t, []string{"1"}, events)
		}
	})
}

// An older owner does not know what a subscription is: the log is asked in rounds.
func TestOlderOwnersAreDoneWithout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		name := ofProject("p")
		n := newTown(t, newAnnals(name), "a", "b")
		n.setAsked(func(string, string) error { return errOlder })
		r, _ := watch(t, n.hub("b"), name)
		n.commit("a", name, "1", "2")
		time.Sleep(renewEvery + time.Second)
		synctest.Wait()
		events, _ := r.saw(t)
		require.Equal(t, []string{"1", "2"}, events)
	})
}
