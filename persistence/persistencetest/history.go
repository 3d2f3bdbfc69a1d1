package persistencetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/actors/account"
	"atelier/actors/project"
	"atelier/actors/session"
	"atelier/actors/store"
	"atelier/messages"
)

// histories: whatever happened, the state that was applied in memory is what a
// claim reads from the rows, is what the events of the log add up to, and is
// what the lists show.
func histories(t *testing.T, db *Database) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := &world{t: t, db: db, random: rand.New(rand.NewPCG(seed, 1)), now: start, sessions: make(map[messages.SessionID]*session.State)}
			for range 4 {
				w.register()
			}
			for range 50 {
				w.step()
			}
			w.verify()
		})
	}
}

// world is a random history under way: rules decide random commands, several of
// one entity fly together, and commits of several entities travel in one group.
type world struct {
	t        *testing.T
	db       *Database
	random   *rand.Rand
	now      time.Time
	users    []*entity[*account.State]
	projects []*entity[*project.State]
	sessions map[messages.SessionID]*session.State // as they must be, ended ones too
}

// journey is a commit of some entity and what to do once it has landed.
type journey struct {
	commit *store.Commit
	land   func()
}

func (w *world) step() {
	w.now = w.now.Add(time.Duration(1+w.random.IntN(5_000_000)) * time.Microsecond)
	if w.random.IntN(8) == 0 {
		w.now = w.now.Add(time.Hour)
	}
	if w.random.IntN(12) == 0 {
		w.register()
	}
	var group []journey
	add := func(commit *store.Commit, land func()) {
		if commit.Change != nil {
			group = append(group, journey{commit, land})
		}
	}
	busy := w.random.Perm(len(w.users))
	for _, i := range busy[:w.random.IntN(3)] {
		f := w.users[i].decide(w.now, w.accountCommands(w.users[i])...)
		add(f.commit, func() { w.landAccount(w.users[i], f) })
	}
	for _, p := range w.someProjects() {
		f := p.decide(w.now, w.projectCommands(p)...)
		add(f.commit, func() { p.land(f) })
	}
	if w.random.IntN(2) == 0 {
		// Of a user without a flight of his own: his might end the session.
		w.refresh(w.users[busy[len(busy)-1]], add)
	}
	w.random.Shuffle(len(group), func(i, j int) { group[i], group[j] = group[j], group[i] })
	w.travel(group)
	w.moveHouse()
}

// travel writes a group through one of the nodes.
func (w *world) travel(group []journey) {
	var commits []*store.Commit
	for _, j := range group {
		commits = append(commits, j.commit)
	}
	write(w.t, w.node(), commits...)
	for _, j := range group {
		j.land()
	}
}

func (w *world) node() Engine {
	if w.random.IntN(2) == 0 {
		return w.db.Peer
	}
	return w.db.Engine
}

// moveHouse lets another node claim an entity: it finds what was applied, and
// what the old holder still has in hand is fenced.
func (w *world) moveHouse() {
	if i := w.random.IntN(3 * len(w.users)); i < len(w.users) {
		old := w.users[i]
		w.users[i] = old.claimed(w.t, w.node().Accounts(), fmt.Sprint("n", w.random.IntN(3)))
		same(w.t, old.state, w.users[i].state)
		fenced(w.t, results(w.t, w.node(), old.fly(w.now, nameChanged(old, "late")).commit)[0])
	}
	if len(w.projects) == 0 {
		return
	}
	if i := w.random.IntN(len(w.projects)); w.projects[i].state.Exists() {
		old := w.projects[i]
		w.projects[i] = old.claimed(w.t, w.node().Projects(), fmt.Sprint("n", w.random.IntN(3)))
		same(w.t, old.state, w.projects[i].state)
		fenced(w.t, results(w.t, w.node(), old.fly(w.now, renamed("late")).commit)[0])
	}
}

func (w *world) register() {
	user := newAccount("n1")
	f := user.decide(w.now, func(s *account.State) []messages.Event {
		return must(w.t)(account.Register(s, &messages.RegisterAccount{
			UserId: user.fence.ID, Email: "Some." + user.fence.ID + "@Example.org", Name: "User", PasswordHash: "hash", Activate: w.random.IntN(4) > 0,
		}, w.now))
	})
	w.travel([]journey{{f.commit, func() { w.landAccount(user, f) }}})
	w.users = append(w.users, user)
}

func must(t testing.TB) func(events []messages.Event, err error) []messages.Event {
	return func(events []messages.Event, err error) []messages.Event {
		t.Helper()
		require.NoError(t, err)
		return events
	}
}

// landAccount keeps the sessions as the account's events leave them.
func (w *world) landAccount(user *entity[*account.State], f flight[*account.State]) {
	scratch := user.state.Clone()
	for _, e := range f.events {
		scratch.Apply(e, messages.Stamp{At: w.now})
		switch e := e.(type) {
		case *messages.SessionOpened:
			now := user.copy()
			now.state = scratch
			w.sessions[messages.SessionID(e.GetSessionId())] = openedSession("n1", now, e, w.now).state
		case *messages.SessionEnded:
			if s := w.sessions[messages.SessionID(e.GetSessionId())]; s.EndedAt.IsZero() {
				s.EndedAt, s.EndReason = w.now, e.GetReason()
			}
		}
	}
	user.land(f)
}

// refresh rotates the token of one of the user's sessions; of one that was
// stolen the account ends the session.
func (w *world) refresh(user *entity[*account.State], add func(*store.Commit, func())) {
	open := slices.Sorted(maps.Keys(user.state.Sessions))
	if len(open) == 0 {
		return
	}
	id := open[w.random.IntN(len(open))]
	model := w.sessions[id]
	c, err := w.node().Sessions().Claim(w.t.Context(), string(id), "n1")
	require.NoError(w.t, err)
	same(w.t, model, c.State)
	s := &entity[*session.State]{node: "n1", fence: c.Fence, state: c.State, stream: session.Stream, changes: session.Changes}
	var theft error
	f := s.decide(w.now, func(state *session.State) (events []messages.Event) {
		events, theft = session.Refresh(state, &messages.RefreshSession{
			Generation: uint32(max(0, int(state.Generation)-w.random.IntN(3))), Ip: "198.51.100.1", UserAgent: "browser \"quoted\"",
		}, w.now)
		return events
	})
	add(f.commit, func() { w.sessions[id] = f.after })
	if messages.HasCode(theft, messages.CodeTokenReused) {
		ends := user.decide(w.now, func(state *account.State) []messages.Event {
			return must(w.t)(account.End(state, &messages.EndSession{SessionId: string(id), Reason: messages.EndedByReuse}, w.now))
		})
		add(ends.commit, func() { w.landAccount(user, ends) })
	}
}
