package persistencetest

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"atelier/actors/project"
	"atelier/identity/audit"
	"atelier/messages"
)

// auditGoesWithEvents: what is audited has a row as soon as it is committed, and as
// long as it is not, none; what is no business of the audit has none.
func auditGoesWithEvents(t *testing.T, db *Database) {
	p, owner := newUserProject(t, db, "n1")
	rows := func(target string) (found []messages.AuditRow) {
		page, err := db.Peer.ListAudit(t.Context(), &messages.AuditQuery{Target: target, Limit: 100})
		require.NoError(t, err)
		return page.Items
	}
	user, stream := messages.UserStream(owner.fence.ID), messages.ProjectStream(p.fence.ID)
	require.Len(t, rows(user), 1)
	require.Empty(t, rows(stream), "creating a project is not audited")

	member := newUser(t, db, "n1")
	f := p.fly(later(1), added(member, project.Role("editor"), owner.fence.ID))
	for i := range f.commit.Events {
		f.commit.Events[i].IP, f.commit.Events[i].RequestID = "::1", "request-1"
	}
	stale := *f.commit
	stale.Version += 7
	require.Error(t, results(t, db, &stale)[0].Err)
	require.Empty(t, rows(stream), "nothing was committed")
	write(t, db, f.commit)
	found := rows(stream)
	require.Len(t, found, 1)
	e := f.commit.Events[0]
	require.JSONEq(t, `{"user_id":"`+member.fence.ID+`","role":"editor"}`, found[0].Detail)
	found[0].Detail = ""
	require.Equal(t, messages.AuditRow{
		ID: e.ID, At: e.OccurredAt, Actor: e.Actor, Action: "project.collaborator_added", Target: stream, Result: "done", IP: "::1", RequestID: "request-1",
	}, found[0])
	missing, _, err := db.AuditMissing(t.Context())
	require.NoError(t, err)
	require.Zero(t, missing)
}

// auditIsListed, newest first, by all that can be asked for.
func auditIsListed(t *testing.T, db *Database) {
	var all []messages.AuditRow
	for i := range 25 {
		r := messages.AuditRow{
			ID: uuid.Must(uuid.NewV7()).String(), At: later(i / 3), Actor: []string{"ada", "bob", ""}[i%3], Action: []string{"login", "getProject"}[i%2],
			Target: "/x", Result: messages.AuditRefused, Code: "forbidden", IP: "::1", RequestID: "r", Detail: `{}`,
		}
		all = append([]messages.AuditRow{r}, all...)
		require.NoError(t, db.AddAudit(t.Context(), []messages.AuditRow{r, r}), "the same again is no other")
	}
	list := func(q messages.AuditQuery) (found []messages.AuditRow) {
		for q.Limit = 4; ; {
			page, err := db.Peer.ListAudit(t.Context(), &q)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.Items), q.Limit)
			if found = append(found, page.Items...); page.Next == nil {
				return found
			}
			q.After = page.Next
		}
	}
	chosen := func(fits func(r messages.AuditRow) bool) (found []messages.AuditRow) {
		for _, r := range all {
			if fits(r) {
				found = append(found, r)
			}
		}
		return found
	}
	require.Equal(t, all, list(messages.AuditQuery{}))
	require.Equal(t, chosen(func(r messages.AuditRow) bool { return r.Actor == "ada" && r.Action == "login" }), list(messages.AuditQuery{Actor: "ada", Action: "login"}))
	require.Equal(t, chosen(func(r messages.AuditRow) bool { return !r.At.Before(later(2)) && r.At.Before(later(5)) }), list(messages.AuditQuery{From: later(2), To: later(5)}))
	require.Empty(t, list(messages.AuditQuery{Result: messages.AuditDone}))
	require.Empty(t, list(messages.AuditQuery{Target: "/y"}))
}

// auditIsSealed: rows are numbered once, whoever does it, and what is done to them
// behind the program's back is found.
func auditIsSealed(t *testing.T, db *Database) {
	keys := audit.NewKeys(make([]byte, 32))
	for i := range 40 {
		require.NoError(t, db.AddAudit(t.Context(), []messages.AuditRow{{ID: uuid.Must(uuid.NewV7()).String(), At: later(-1 - i), Action: "login", Result: messages.AuditRefused, Detail: "{}"}}))
	}
	for range 10 {
		newUser(t, db, "n1")
	}
	number(t, db.Outbox, "n1")
	var sealing sync.WaitGroup
	for _, node := range []Engine{db.Engine, db.Peer} {
		sealing.Go(func() {
			for range 20 {
				if _, err := node.SealAudit(t.Context(), 7, func(last messages.AuditCheckpoint, rows []messages.AuditRow) messages.AuditCheckpoint {
					return keys.Seal(last, rows, time.Now())
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	sealing.Wait()
	for n := 1; n > 0; { // what nobody got to
		var err error
		n, err = db.SealAudit(t.Context(), 7, func(last messages.AuditCheckpoint, rows []messages.AuditRow) messages.AuditCheckpoint {
			return keys.Seal(last, rows, time.Now())
		})
		require.NoError(t, err)
	}
	verify := func() *audit.Report {
		report, err := audit.Verify(t.Context(), db.Peer, keys, "")
		require.NoError(t, err)
		return report
	}
	report := verify()
	require.Empty(t, report.Faults)
	require.EqualValues(t, 50, report.Rows)
	require.GreaterOrEqual(t, report.Checkpoints, int64(50/7))
	tampers := []AuditTamper{
		{`UPDATE audit SET actor = 'eve' WHERE seq = 17`, `UPDATE audit SET actor = '' WHERE seq = 17`, "row 17 is not what was written"},
		{`UPDATE audit SET seq = 1000 WHERE seq = 17`, `UPDATE audit SET seq = 17 WHERE seq = 1000`, "rows 17 to 17 are missing"},
		{`UPDATE audit SET seq = seq + 1000 WHERE seq BETWEEN 36 AND 40`, `UPDATE audit SET seq = seq - 1000 WHERE seq BETWEEN 1036 AND 1040`, "rows 36 to 40 are missing"},
		{`UPDATE audit_checkpoints SET signer = signer || 'x' WHERE seq > 45`, `UPDATE audit_checkpoints SET signer = substr(signer, 1, length(signer) - 1) WHERE seq > 45`, "is not signed by a key"},
	}
	for _, tamper := range append(tampers, db.Tampers...) {
		db.Alter(t, tamper.Do)
		require.Contains(t, strings.Join(verify().Faults, "\n"), tamper.Found, tamper.Do)
		db.Alter(t, tamper.Undo)
		require.Empty(t, verify().Faults, tamper.Undo)
	}
	db.Alter(t, db.CutAudit)
	require.Contains(t, strings.Join(verify().Faults, "\n"), "the end is cut off: there is no row from 41 on")
	db.Alter(t, `DELETE FROM audit_checkpoints WHERE seq > 40`)
	require.Contains(t, strings.Join(verify().Faults, "\n"), " events have no row, such as users/")
}
