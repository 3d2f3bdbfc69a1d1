package persistencetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"atelier/actors/store"
	"atelier/messages"
)

// sweep removes the commands that have expired, some at a time, and no others.
// A swept command can be carried out again.
func sweep(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	key := func(i int) store.CommandKey {
		return store.CommandKey{Principal: owner.fence.ID, Command: fmt.Sprint("k:", i)}
	}
	at := func(i int) time.Time { return farOff.Add(time.Duration(i) * time.Minute) }
	f := p.fly(later(1))
	var keys []store.CommandKey
	for i := range 30 {
		f = f.keyed(owner.fence.ID, key(i).Command)
		f.commit.Replies[i].Expires = at(i)
		keys = append(keys, key(i))
	}
	write(t, db, f.commit)
	for _, step := range []struct {
		now                  time.Time
		limit, removed, left int
	}{
		{at(0), 100, 0, 30}, {at(10), 4, 4, 26}, {at(10), 100, 6, 20}, {at(10), 100, 0, 20}, {at(20), 10, 10, 10},
	} {
		removed, err := db.Sweep(t.Context(), step.now, step.limit)
		require.NoError(t, err)
		require.Equal(t, step.removed, removed, "at %v, at most %d", step.now, step.limit)
		found := known(t, db, keys...)
		require.Len(t, found, step.left)
		require.Contains(t, found, key(29))
	}
	again := p.fly(later(21), renamed("again")).keyed(owner.fence.ID, key(0).Command)
	write(t, db, again.commit)

	var both sync.WaitGroup
	total := make([]int, 2)
	for i, node := range []Engine{db.Engine, db.Peer} {
		both.Go(func() {
			var err error
			if total[i], err = node.Sweep(t.Context(), at(10_000), 1000); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	require.Equal(t, 11, total[0]+total[1], "no row is counted twice")
	require.Empty(t, known(t, db, keys...))
}

// sessionsAreSwept: those that are over and were opened before a time, some at a time,
// and no others. An account that still knows one ends it in vain.
func sessionsAreSwept(t *testing.T, db *Database) {
	user := newUser(t, db, "n1")
	then := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC) // no other test has sessions so old
	open := func(id string, until time.Time) *messages.SessionOpened {
		s := opened(user, then)
		s.SessionId, s.ExpiresAt = id, messages.FormatTime(until)
		user.commit(t, db, later(1), s)
		return s
	}
	old := func(n int) string {
		id := messages.FirstUUID(then.Add(time.Duration(n) * time.Minute))
		id[15] = byte(n)
		return messages.FormatUUID(id)
	}
	long := then.Add(time.Hour)
	one, two, three := open(old(1), long), open(old(2), long), open(old(3), long)
	lasting, young := open(old(4), farOff), open(newID(), long)
	user.commit(t, db, later(2), ended(one))
	there := func() (ids []string) {
		for id := range user.claimed(t, db.Accounts(), "n1").state.Sessions {
			ids = append(ids, string(id))
		}
		return ids
	}
	sweep := func(limit int) int {
		removed, err := db.SweepSessions(t.Context(), then.Add(24*time.Hour), then.Add(2*time.Hour), limit)
		require.NoError(t, err)
		return removed
	}
	require.Equal(t, 2, sweep(2))
	require.ElementsMatch(t, []string{three.GetSessionId(), lasting.GetSessionId(), young.GetSessionId()}, there())
	require.Equal(t, 1, sweep(2))
	require.Zero(t, sweep(2))
	require.ElementsMatch(t, []string{lasting.GetSessionId(), young.GetSessionId()}, there())
	knows := user.claimed(t, db.Accounts(), "n1")
	knows.commit(t, db, later(3), ended(two), ended(lasting))
	require.Equal(t, []string{young.GetSessionId()}, there())
}

func signingKeys(t *testing.T, db *Database) {
	list := func() []Key {
		keys, err := db.Keys.Keys(t.Context())
		require.NoError(t, err)
		return keys
	}
	told := func(kid string) messages.AuditRow {
		return messages.AuditRow{
			ID: uuid.Must(uuid.NewV7()).String(), At: later(1), Action: "key.changed", Target: "keys/" + kid, Result: messages.AuditDone, Detail: `{"by":"a test"}`,
		}
	}
	audited := func(kid string) []messages.AuditRow {
		page, err := db.ListAudit(t.Context(), &messages.AuditQuery{Target: "keys/" + kid, Limit: 10})
		require.NoError(t, err)
		return page.Items
	}
	require.Empty(t, list())
	var keys []Key
	for i := range 3 {
		keys = append(keys, Key{
			Kid: fmt.Sprint("kid-", 9-i), Use: "access", Public: []byte{0, 255, byte(i)}, Sealed: []byte{byte(i), 0, 1}, CreatedAt: later(i), ActivatesAt: later(i + 5),
		})
	}
	keys[1].Public = []byte{}
	for _, i := range []int{2, 0, 1} {
		row := told(keys[i].Kid)
		added, err := db.Keys.AddKey(t.Context(), keys[i], row)
		require.NoError(t, err)
		require.True(t, added)
		require.Equal(t, []messages.AuditRow{row}, audited(keys[i].Kid))
	}
	require.Equal(t, keys, list(), "oldest first")
	other := keys[0]
	other.Sealed = []byte("another")
	added, err := db.Keys.AddKey(t.Context(), other, told(other.Kid))
	require.NoError(t, err)
	require.False(t, added, "the first one stays")
	require.Len(t, audited(other.Kid), 1, "nothing was done, and nothing is told")
	require.Equal(t, keys, list())
	for range 2 {
		require.NoError(t, db.Keys.RemoveKey(t.Context(), keys[0].Kid, told(keys[0].Kid)))
		require.Len(t, audited(keys[0].Kid), 2, "again nothing is done")
	}
	require.Equal(t, keys[1:], list())
	now, err := db.Now(t.Context())
	require.NoError(t, err)
	require.InDelta(t, time.Now().Unix(), now.Unix(), 3600)
}
