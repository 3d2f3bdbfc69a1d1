package faults_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"atelier/test/rig"
	"atelier/test/services"
)

const (
	heldDocuments = 4
	heldUp        = 4 * time.Second // longer than a revocation waits for what is on its way, and than a lease
)

// A change of a document is held up in the database while whoever made it is removed, or
// signs out. Nothing is written to the document after that was answered, be its project
// on the node that waits, or on another one, and no node is taken for one that hangs.
func TestRevocationsOutlastWhatIsHeldUp(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	url := services.Postgres(t).URL()
	nodes := s.StartCluster(url+"&lock_timeout=10s&statement_timeout=10s", "a", "b", "c") // which by default gives up sooner
	db := s.Database(url, nil)
	owner := s.SignIn(nodes[0], s.Register(nodes[0], "owner"))
	answered := 0
	for i, u := range s.Crowd(nodes[0], heldDocuments) {
		d := newHeldUp(s, owner.At(nodes[i%len(nodes)]), s.SignIn(nodes[0], u), nodes[i%2], i)
		d.signsOut = i%2 == 1
		if d.revokeWhileHeld(s, db) {
			answered++
		}
	}
	s.Logf("%d of %d revocations were answered", answered, heldDocuments)
	for _, n := range nodes {
		if lines := n.Said("loses its lease"); lines > 0 {
			s.Found("node %s took the lease of another: %d times", n.Name, lines)
		}
	}
	if answered < heldDocuments/2 {
		s.Errorf("this run shows little")
	}
}

// requestsBegin is how long it may take until requests have come to the database.
const requestsBegin = 10 * time.Second

// heldUpDocument is a document with somebody who writes in it and is removed.
type heldUpDocument struct {
	id, project, user string
	owner, writer     *rig.Client
	signsOut          bool // and is not removed
}

func newHeldUp(s *rig.Scenario, owner *rig.Client, writer *rig.User, at *rig.Node, i int) *heldUpDocument {
	p, r := owner.CreateProject(s.Context(), fmt.Sprintf("held up %d", i), 3)
	if p == nil {
		s.Fatalf("a project was not created: %s", r)
	}
	if r := owner.Add(s.Context(), p.ID, writer.ID, "editor"); !r.OK() {
		s.Fatalf("a member was not added: %s", r)
	}
	var created struct{ ID string }
	s.Must(owner.Do(s.Context(), http.MethodPost, "/projects/"+p.ID+"/documents", map[string]string{"name": "Minutes"}).Into(&created))
	d := &heldUpDocument{id: created.ID, project: p.ID, user: writer.ID, owner: owner, writer: writer.At(at)}
	if r := d.write(s, 1); !r.OK() {
		s.Fatalf("nothing was written: %s", r)
	}
	return d
}

// revoke takes the right to write away.
func (d *heldUpDocument) revoke(s *rig.Scenario) *rig.Reply {
	if d.signsOut {
		return d.writer.Do(s.Context(), http.MethodPost, "/auth/logout", nil)
	}
	return d.owner.Remove(s.Context(), d.project, d.user)
}

// revokeWhileHeld reports whether the revocation was answered.
func (d *heldUpDocument) revokeWhileHeld(s *rig.Scenario, db *rig.Database) bool {
	release := s.Hold(db, `SELECT FROM document_logs WHERE id = $1 FOR UPDATE`, d.id)
	var writing sync.WaitGroup
	writing.Go(func() { s.Logf("writing: %s", d.write(s, 2)) })
	if !s.Await(db, requestsBegin, `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`, 1) {
		s.Fatalf("nothing is written")
	}
	began := time.Now()
	revoked, then := make(chan *rig.Reply, 1), ""
	go func() {
		r := d.revoke(s)
		s.Logf("the revocation took %s: %d", time.Since(began).Round(time.Millisecond), r.Status)
		then = d.position(s)
		revoked <- r
	}()
	var reply *rig.Reply
	select {
	case reply = <-revoked:
	case <-time.After(heldUp):
	}
	release()
	writing.Wait()
	if reply == nil {
		reply = <-revoked
	}
	if after := d.position(s); reply.OK() && after != then {
		s.Found("document %s: at %s when the revocation was answered, and at %s later", d.id, then, after)
	}
	return reply.OK()
}

// write sends an update: a client has written a letter.
func (d *heldUpDocument) write(s *rig.Scenario, client byte) *rig.Reply {
	return d.writer.Do(s.Context(), http.MethodPost, "/documents/"+d.id+"/updates", []byte{1, 1, client, 0, 4, 1, 1, 't', 1, 'x', 0})
}

func (d *heldUpDocument) position(s *rig.Scenario) string {
	r := d.owner.Do(s.Context(), http.MethodGet, "/documents/"+d.id+"/content", nil)
	if !r.OK() {
		s.Found("the content cannot be read: %s", r)
	}
	return r.Header.Get("ETag")
}
