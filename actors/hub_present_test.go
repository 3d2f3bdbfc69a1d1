package actors

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

func (n *town) enter(node, socket, user, state string) {
	n.t.Helper()
	require.NoError(n.t, n.hub(node).Enter(n.t.Context(), "p", socket, messages.Present{UserID: user, Name: user, State: []byte(state)}))
}

// present holds what all who watch were told against who is there.
func (n *town) present(readers []*reader, want map[string]string) {
	n.t.Helper()
	synctest.Wait()
	for i, r := range readers {
		require.Equal(n.t, want, r.present(n.t), "reader %d", i)
	}
	for _, node := range n.nodes {
		all, err := n.hub(node).Presence(n.t.Context(), "p")
		require.NoError(n.t, err)
		here := make(map[string]string)
		for _, p := range all {
			require.Equal(n.t, p.UserID, p.Name)
			here[p.UserID] = string(p.State)
		}
		require.Equal(n.t, want, here, node)
	}
}

func newRoom(t *testing.T) (n *town, readers []*reader) {
	n = newTown(t, newAnnals(ofProject("p")), "a", "b", "c")
	for _, node := range n.nodes {
		r, _ := watch(t, n.hub(node), ofProject("p"))
		readers = append(readers, r)
	}
	return n, readers
}

// settled is longer than changes are gathered for, on their way over two nodes.
const settled = 5 * gather

// A user is there once, with what he said last, whatever number of tabs and nodes he
// is on, and gone with the last of them; and all nodes show the same.
func TestPresenceIsMergedByUser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, readers := newRoom(t)
		synctest.Wait()
		n.present(readers, map[string]string{})
		n.enter("b", "b1", "ann", "1")
		time.Sleep(time.Millisecond)
		n.enter("c", "c1", "ann", "2")
		n.enter("c", "c2", "ben", "x")
		time.Sleep(settled)
		n.present(readers, map[string]string{"ann": "2", "ben": "x"})
		late, _ := watch(t, n.hub("a"), ofProject("p"))
		readers = append(readers, late)
		n.present(readers, map[string]string{"ann": "2", "ben": "x"})
		n.enter("b", "b1", "ann", "3")
		n.hub("c").Leave("p", "c1")
		time.Sleep(settled)
		n.present(readers, map[string]string{"ann": "3", "ben": "x"})
		n.hub("b").Leave("p", "b1")
		n.hub("b").Leave("p", "b1")
		n.hub("b").Leave("q", "b1")
		time.Sleep(settled)
		n.present(readers, map[string]string{"ben": "x"})
		for _, r := range readers {
			for _, c := range r.told()[1:] {
				require.False(t, c.Whole)
			}
		}
		n.hub("c").Leave("p", "c2")
		time.Sleep(time.Minute)
		n.present(readers, map[string]string{})
		require.Zero(t, n.hub("a").Stats().Rooms)
		require.ErrorContains(t, n.hub("a").Enter(t.Context(), "p", "s", messages.Present{UserID: "u", State: make([]byte, maxState+1)}), "4096")
	})
}

// Where many move at one time, those who watch are told no more than they can take, and
// in the end where all are.
func TestManyWhoMoveAreToldLessOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const (
			users  = 300
			rounds = 60
			every  = 100 * time.Millisecond
		)
		n, readers := newRoom(t)
		want := map[string]string{}
		began := time.Now()
		for round := range rounds {
			for i := range users {
				user, state := fmt.Sprint("u", i), fmt.Sprintf("%0300d", round)
				n.enter(n.nodes[i%3], "s"+user, user, state)
				want[user] = state
			}
			time.Sleep(every)
		}
		took := time.Since(began)
		time.Sleep(longestPause + settled)
		n.present(readers, want)
		for _, r := range readers {
			told, largest := 0, 0
			for _, c := range r.told() {
				size := 0
				for _, p := range append(c.Join, c.Update...) {
					size += len(p.State)
				}
				told, largest = told+size, max(largest, size)
			}
			require.Less(t, told, presenceRate*int(took/time.Second)+2*largest)
			require.Greater(t, told, presenceRate*int(took/time.Second)/3, "and not much less")
		}
	})
}

// While the owner changes, or nodes miss what is sent, nobody is told that users
// have gone who are there; and all is right again by itself.
func TestPresenceHeals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, readers := newRoom(t)
		want := map[string]string{}
		for i := range 600 { // in several messages
			node := n.nodes[i%3]
			n.enter(node, fmt.Sprint("s", i), fmt.Sprint("u", i), "0")
			want[fmt.Sprint("u", i)] = "0"
		}
		time.Sleep(settled)
		n.present(readers, want)
		left := func() (left int) {
			for _, r := range readers {
				for _, c := range r.told() {
					left += len(c.Leave)
				}
			}
			return left
		}
		n.moves("b", n.nodes...)
		time.Sleep(settled)
		n.present(readers, want)
		time.Sleep(time.Minute)
		n.present(readers, want)
		require.Zero(t, left())
		require.Zero(t, n.hub("a").Stats().Rooms)

		var lose atomic.Bool
		lose.Store(true)
		n.setPushed(func(string, string, *messages.Push) error {
			if lose.Load() {
				return errLost
			}
			return nil
		})
		n.enter("a", "s0", "u0", "1")
		n.hub("c").Leave("p", "s2")
		n.enter("b", "s1", "u1", "1")
		want["u0"], want["u1"] = "1", "1"
		delete(want, "u2")
		time.Sleep(settled)
		lose.Store(false)
		n.enter("a", "s3", "u3", "1")
		want["u3"] = "1"
		time.Sleep(3 * renewEvery)
		n.present(readers, want)
	})
}

// The users of a node that is gone are gone when it has not renewed, and are there
// all the time where they have come to another node meanwhile.
func TestPresenceOfANodeThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, readers := newRoom(t)
		n.enter("c", "s1", "ann", "1")
		n.enter("c", "s2", "ben", "1")
		time.Sleep(settled)
		n.present(readers, map[string]string{"ann": "1", "ben": "1"})
		apart := func(from, to string, _ *messages.Push) error {
			if from == "c" || to == "c" {
				return errLost
			}
			return nil
		}
		n.setPushed(apart)
		n.setAsked(func(from, to string) error { return apart(from, to, nil) })
		n.enter("b", "s1", "ann", "1")
		time.Sleep(audienceTTL + 2*renewEvery)
		synctest.Wait()
		for _, r := range readers[:2] {
			require.Equal(t, map[string]string{"ann": "1"}, r.present(t))
			for _, c := range r.told() {
				require.NotContains(t, c.Leave, "ann")
			}
		}
		n.setPushed(nil)
		n.setAsked(nil)
		time.Sleep(2 * renewEvery)
		n.present(readers, map[string]string{"ann": "1", "ben": "1"})
	})
}

// What a thousand users say ten times a second is told twenty times a second at
// most, each of them once at a time, and does not come between commits.
func TestPresenceOfManyIsGathered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, readers := newRoom(t)
		const users, moves = 1000, 10
		state := func(i, move int) string { return fmt.Sprintf(`{"x":%d,"y":%d}`, i, move) }
		want := map[string]string{}
		for move := range moves {
			for i := range users {
				n.enter(n.nodes[i%3], fmt.Sprint("s", i), fmt.Sprint("u", i), state(i, move))
				want[fmt.Sprint("u", i)] = state(i, move)
				if i%100 == 0 {
					time.Sleep(time.Second / moves / (users / 100))
				}
			}
			n.commit("a", ofProject("p"), fmt.Sprint(move))
		}
		time.Sleep(settled + longestPause)
		n.present(readers, want)
		for _, r := range readers {
			events, _ := r.saw(t)
			require.Len(t, events, moves)
			require.LessOrEqual(t, len(r.told()), int(time.Second+2*settled)/int(gather))
			told := 0
			for _, c := range r.told() {
				told += len(c.Join) + len(c.Update) + len(c.All)
			}
			require.LessOrEqual(t, told, users*(moves+1))
		}
		require.Zero(t, n.log.reads)
	})
}

// Reports leave in the order of their numbers, however many are about to: one that
// overtakes another would be missed by the owner.
func TestReportsAtOneTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, _ := newRoom(t)
		var numbers []int64
		n.setPushed(func(from, _ string, p *messages.Push) error {
			for _, one := range p.GetPushed() {
				for _, report := range one.GetPresence() {
					if from == "b" {
						numbers = append(numbers, report.GetTo())
					}
				}
			}
			return nil
		})
		n.enter("b", "b1", "ann", "1")
		b := n.hub("b").topics.find(ofProject("p"))
		for range 20 {
			for range 8 {
				go func() {
					for range 10 {
						b.reportNow(true)
						runtime.Gosched()
					}
				}()
			}
			synctest.Wait()
		}
		require.Greater(t, len(numbers), 1000)
		require.IsIncreasing(t, numbers)
	})
}
