package persistencetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/actors/account"
	"atelier/actors/session"
	"atelier/actors/store"
	"atelier/messages"
)

func relocated(user *entity[*account.State], email string) *messages.UserEmailChanged {
	return &messages.UserEmailChanged{UserId: user.fence.ID, Email: email, TypedEmail: "Typed." + email}
}

func addressTaken(t testing.TB, r store.Result) {
	t.Helper()
	require.True(t, messages.HasCode(r.Err, messages.CodeEmailTaken), "%v", r.Err)
}

// addressesChange: the account is found under its new address and no longer under the
// one before, which others may have then; one that another has is refused, and harms
// nobody in its group.
func addressesChange(t *testing.T, db *Database) {
	ada, bob := newUser(t, db, "n1"), newUser(t, db, "n1")
	before, after := ada.state.Email, "moved-"+ada.state.Email
	ada.commit(t, db, later(1), relocated(ada, after), &messages.LinkIssued{Purpose: messages.LinkReset, LinkId: newID(), ExpiresAt: 5})
	same(t, ada.state, ada.claimed(t, db.Accounts(), "n1").state)
	ada = ada.claimed(t, db.Accounts(), "n1")
	for email, want := range map[string]string{before: "", after: ada.fence.ID} {
		found, err := db.FindCredential(t.Context(), email)
		require.NoError(t, err)
		require.Equal(t, want, found.GetUserId())
	}
	refused := bob.fly(later(2), relocated(bob, after))
	other := newUser(t, db, "n1")
	fine := other.fly(later(2), nameChanged(other, "Fine"))
	r := results(t, db, refused.commit, fine.commit)
	addressTaken(t, r[0])
	require.NoError(t, r[1].Err)
	other.land(fine)
	same(t, bob.state, bob.claimed(t, db.Accounts(), "n1").state)
	bob = bob.claimed(t, db.Accounts(), "n1")
	bob.commit(t, db, later(3), relocated(bob, before))

	stale := ada.copy()
	ada.commit(t, db, later(4), nameChanged(ada, "Ada"))
	fenced(t, results(t, db, stale.fly(later(5), relocated(stale, "late-"+before)).commit)[0])
}

// oneNewAddress: of many who change to one address at one time, and of those who
// register with it, one gets it.
func oneNewAddress(t *testing.T, db *Database) {
	for range 5 {
		email := address(newID())
		var commits []*store.Commit
		for range 4 {
			user := newUser(t, db, "n1")
			commits = append(commits, user.fly(later(1), relocated(user, email)).commit)
		}
		fresh := newAccount("n1")
		commits = append(commits, fresh.fly(later(1), registered(fresh.fence.ID, email)).commit)
		verdicts := make([]store.Result, len(commits))
		var all sync.WaitGroup
		for i, c := range commits {
			all.Go(func() { verdicts[i] = settle(t, []Engine{db.Engine, db.Peer}[i%2], c) })
		}
		all.Wait()
		won := 0
		for _, v := range verdicts {
			var refusal *messages.Error
			switch {
			case v.Err == nil:
				won++
			case errors.As(v.Err, &refusal):
				addressTaken(t, v)
			default:
				t.Error(v.Err)
			}
		}
		require.Equal(t, 1, won)

		group := make([]*store.Commit, 3)
		together := address(newID())
		for i := range group {
			user := newUser(t, db, "n1")
			group[i] = user.fly(later(1), relocated(user, together)).commit
		}
		won = 0
		for _, r := range results(t, db, group...) {
			if r.Err == nil {
				won++
			} else {
				addressTaken(t, r)
			}
		}
		require.Equal(t, 1, won, "in one group")
	}
}

// sessionsStepUp: the row keeps until when a session may do what needs a proof.
func sessionsStepUp(t *testing.T, db *Database) {
	user := newUser(t, db, "n1")
	o := opened(user, later(1))
	user.commit(t, db, later(1), o)
	s := openedSession("n1", user, o, later(1))
	s.commit(t, db, later(2), &messages.SessionSteppedUp{Until: messages.Micros(later(12))})
	c, err := db.Sessions().Claim(t.Context(), s.fence.ID, "n1")
	require.NoError(t, err)
	require.Equal(t, later(12), c.State.SteppedUp)
	same[*session.State](t, s.state, c.State)
}
