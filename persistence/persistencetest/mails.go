package persistencetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/actors/store"
)

// letter is a mail that is due.
func letter(i int) store.Mail {
	return store.Mail{
		ID: newID(), Kind: "verify_email", To: fmt.Sprintf("o'neil+%d@example.org", i), Params: []byte{0, 255, byte(i)},
		Created: later(i), Expires: later(i + 60), Trace: "trace",
	}
}

func claimMails(t testing.TB, db Engine, lease time.Duration, limit int) []store.Mail {
	t.Helper()
	mails, err := db.ClaimMails(t.Context(), lease, limit)
	require.NoError(t, err)
	return mails
}

// mailsOfCommits: a mail is queued when its commit is applied, and otherwise not.
func mailsOfCommits(t *testing.T, db *Database) {
	user := newUser(t, db, "n1")
	p, owner := newUserProject(t, db, "n1")
	stale := user.copy()
	one, two, three := letter(1), letter(2), letter(3)

	f := user.fly(later(1), nameChanged(user, "First"))
	f.commit.Mails = []store.Mail{one, two}
	g := p.fly(later(1), renamed("first"))
	g.commit.Mails = []store.Mail{three}
	write(t, db, f.commit, g.commit)
	user.land(f)
	p.land(g)
	require.ElementsMatch(t, []store.Mail{first(one), first(two), first(three)}, claimMails(t, db, time.Hour, 10))

	late := stale.fly(later(2), nameChanged(user, "Late"))
	late.commit.Mails = []store.Mail{letter(4)}
	fenced(t, results(t, db, late.commit)[0])

	keyed := user.fly(later(2), nameChanged(user, "Second")).keyed(owner.fence.ID, "k:mail")
	keyed.commit.Mails = []store.Mail{letter(5)}
	write(t, db, keyed.commit)
	user.land(keyed)
	require.Len(t, claimMails(t, db, time.Hour, 10), 1)
	again := user.fly(later(3), nameChanged(user, "Third")).keyed(owner.fence.ID, "k:mail")
	again.commit.Replies[0].Fresh = false
	again.commit.Mails = []store.Mail{letter(6)}
	require.True(t, results(t, db, again.commit)[0].Duplicate)

	taken := newAccount("n1")
	creation := taken.fly(later(3), registered(taken.fence.ID, address(user.fence.ID)))
	creation.commit.Mails = []store.Mail{letter(7)}
	require.Error(t, results(t, db, creation.commit)[0].Err)

	silent := user.fly(later(4)) // a command that changes nothing else
	silent.commit.Change, silent.commit.Mails = user.changes(user.state, nil), []store.Mail{letter(8)}
	write(t, db, silent.commit)
	require.Len(t, claimMails(t, db, time.Hour, 10), 1)
}

// first is the mail as its first attempt has it.
func first(m store.Mail) store.Mail {
	m.Attempt = 1
	return m
}

// mailsAreLeased: a claim keeps others away until its lease has run out; whoever
// claims then has the say, and not who had it before.
func mailsAreLeased(t *testing.T, db *Database) {
	one := letter(1)
	require.NoError(t, db.AddMail(t.Context(), one))
	notYet := letter(2)
	notYet.Created = time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	require.NoError(t, db.AddMail(t.Context(), notYet))
	waiting := func() int64 {
		n, err := db.WaitingMails(t.Context())
		require.NoError(t, err)
		return n
	}
	require.EqualValues(t, 2, waiting())
	require.Equal(t, []store.Mail{first(one)}, claimMails(t, db, 50*time.Millisecond, 10))
	var again []store.Mail
	require.Eventually(t, func() bool { again = claimMails(t, db.Peer, time.Hour, 10); return len(again) > 0 }, 10*time.Second, 5*time.Millisecond)
	require.Equal(t, 2, again[0].Attempt)

	require.NoError(t, db.EndMail(t.Context(), one.ID, 1, "sent"), "too late")
	require.NoError(t, db.RetryMail(t.Context(), one.ID, 1, 0), "too late")
	require.Empty(t, claimMails(t, db, time.Hour, 10))
	require.NoError(t, db.RetryMail(t.Context(), one.ID, 2, 0))
	again = claimMails(t, db, time.Hour, 10)
	require.Len(t, again, 1)
	require.Equal(t, 3, again[0].Attempt)
	require.NoError(t, db.EndMail(t.Context(), one.ID, 3, "sent"))
	require.NoError(t, db.RetryMail(t.Context(), one.ID, 3, 0), "it has come to an end")
	require.Empty(t, claimMails(t, db, time.Hour, 10))
	require.EqualValues(t, 1, waiting())
}

// oneSender: of many who claim at one time each mail has one.
func oneSender(t *testing.T, db *Database) {
	const mails = 40
	for i := range mails {
		require.NoError(t, db.AddMail(t.Context(), letter(i)))
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var senders sync.WaitGroup
	for i := range 6 {
		senders.Go(func() {
			node := []Engine{db.Engine, db.Peer}[i%2]
			for {
				claimed, err := node.ClaimMails(t.Context(), time.Hour, 3)
				if err != nil || len(claimed) == 0 {
					if err != nil {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				twice := false
				for _, m := range claimed {
					seen[m.ID]++
					twice = twice || seen[m.ID] > 1
				}
				mu.Unlock()
				if twice {
					t.Error("a mail was claimed twice")
					return
				}
			}
		})
	}
	senders.Wait()
	for len(seen) < mails && !t.Failed() { // skipped by all while another looked at it
		for _, m := range claimMails(t, db, time.Hour, 10) {
			seen[m.ID]++
		}
	}
	for id, n := range seen {
		require.Equal(t, 1, n, id)
	}
}

func mailsAreSwept(t *testing.T, db *Database) {
	var ids []string
	for i := range 5 {
		m := letter(i)
		ids = append(ids, m.ID)
		require.NoError(t, db.AddMail(t.Context(), m))
	}
	claimMails(t, db, time.Hour, 10)
	for _, id := range ids[:4] {
		require.NoError(t, db.EndMail(t.Context(), id, 1, "sent"))
	}
	for _, step := range []struct {
		before time.Time
		limit  int
		want   int
	}{{time.Now().Add(-time.Hour), 10, 0}, {time.Now().Add(time.Hour), 3, 3}, {time.Now().Add(time.Hour), 3, 1}, {time.Now().Add(time.Hour), 3, 0}} {
		removed, err := db.SweepMails(t.Context(), step.before, step.limit)
		require.NoError(t, err)
		require.Equal(t, step.want, removed)
	}
	n, err := db.WaitingMails(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, n, "what has not come to an end stays")
}
