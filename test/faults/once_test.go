package faults_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"atelier/test/rig"
	"atelier/test/services"
)

// usesAtOnce are made of each one-time thing, on all nodes.
const usesAtOnce = 50

// Whatever can be used once is used fifty times at one moment, on both nodes of a
// cluster: one use succeeds. After the node that has had the most to do with it was
// killed, it is used up still.
func TestOneTimeThingsWorkOnce(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	o := &onceRound{s: s, nodes: s.StartClusterWith(services.Postgres(t).URL(), func(string) []string { return []string{"ATELIER_EMAIL_VERIFICATION=on"} }, "a", "b")}
	s.Must(rig.AwaitWhole(s.Context(), o.nodes, healsWithin))
	for round := range onceRounds {
		o.run(round)
		if t.Failed() {
			return
		}
	}
	o.nodes[0].Kill()
	o.nodes[0].Restart()
	s.Must(rig.AwaitWhole(s.Context(), o.nodes, healsWithin))
	for _, use := range o.used {
		if replies := o.atOnce(use.do); replies[use.spent] != usesAtOnce {
			s.Found("%s was used up, and after a crash its uses were answered %v", use.what, replies)
		}
	}
}

// onceRound uses one of each.
type onceRound struct {
	s     *rig.Scenario
	nodes []*rig.Node
	used  []onceUse
}

type onceUse struct {
	what, spent string // and what is said of it when it has been used
	do          func(c *rig.Client) *rig.Reply
}

func (o *onceRound) run(round int) {
	s := o.s
	address := func(name string) string { return fmt.Sprintf("%s%d.%x@example.org", name, round, s.Seed) }
	post := func(token, path string, body any) func(c *rig.Client) *rig.Reply {
		return func(c *rig.Client) *rig.Reply {
			return c.As(token).Do(s.Context(), "POST", path, body, rig.Header{Name: "Atelier-Timeout", Value: "60000"})
		}
	}
	here := o.nodes[round%len(o.nodes)].Client()
	must := func(r *rig.Reply) *rig.Reply {
		if !r.OK() {
			s.Fatalf("round %d: %s", round, r)
		}
		return r
	}
	signIn := func(email, password string) *rig.User {
		u, err := rig.Tokens(must(post("", "/auth/login", map[string]string{"email": email, "password": password})(here)))
		s.Must(err)
		return u
	}
	first, second := "the first password of all", "the second one, by a link"
	var people []*rig.User
	for _, name := range []string{"ada", "bob"} {
		email := address(name)
		must(here.Register(s.Context(), email))
		o.once("the proof of an address", "410 link_expired", post("", "/auth/verify-email", map[string]string{"token": o.mailed(email, "verify_email")}))
		must(post("", "/auth/password/forgot", map[string]string{"email": email})(here))
		o.once("a password's reset", "410 link_expired", post("", "/auth/password/reset", map[string]string{"token": o.mailed(email, "reset_password"), "password": first}))
		u := signIn(email, first)
		u.Email = email
		var me struct{ ID string }
		s.Must(must(here.As(u.Access).Do(s.Context(), "GET", "/users/me", nil)).Into(&me))
		u.ID = me.ID
		people = append(people, u)
	}
	ada, bob := people[0], people[1]
	o.refreshed(ada)

	project := func() string {
		p, r := here.As(ada.Access).CreateProject(s.Context(), "Harbour", 5)
		must(r)
		return "/projects/" + p.ID
	}
	var ticket struct{ Ticket string }
	s.Must(must(post(ada.Access, "/realtime/tickets", map[string]string{})(here)).Into(&ticket))
	o.once("a ticket", "4501 ", func(c *rig.Client) *rig.Reply { return c.Admit(s.Context(), ticket.Ticket) })

	path := project()
	for i, what := range []string{"accept", "decline"} {
		if i > 0 {
			path = project()
		}
		must(post(ada.Access, path+"/invitations", map[string]string{"email": bob.Email, "role": "viewer"})(here))
		token := o.mailed(bob.Email, "invitation")
		o.once("an invitation to "+what, "410 link_expired", post(bob.Access, "/invitations/"+token+"/"+what, nil))
	}
	path = project()
	must(post(ada.Access, path+"/transfer", map[string]string{"user_id": bob.ID})(here))
	o.once("an offer of ownership", "409 invalid_state", post(bob.Access, path+"/transfer/accept", nil))

	must(post(bob.Access, "/auth/reauthenticate", map[string]string{"password": first})(here))
	must(post(bob.Access, "/users/me/email", map[string]string{"new_email": "new-" + bob.Email})(here))
	o.once("the old address's word", "410 link_expired", post("", "/auth/confirm-email", map[string]string{"token": o.mailed(bob.Email, "confirm_email")}))
	o.once("the new address's word", "410 link_expired", post("", "/auth/confirm-email", map[string]string{"token": o.mailed("new-"+bob.Email, "confirm_new_email")}))

	must(post("", "/auth/password/forgot", map[string]string{"email": ada.Email})(here))
	o.once("another reset", "410 link_expired", post("", "/auth/password/reset", map[string]string{"token": o.mailed(ada.Email, "reset_password"), "password": second}))
	if r := here.As(ada.Access).Do(s.Context(), "GET", "/users/me", nil); !r.Is("session_revoked") {
		s.Found("a session has outlived the reset of its password: %s", r)
	}
	signIn(ada.Email, second)
	for _, file := range o.mails() {
		s.Must(os.Remove(file)) // notices that nobody waits for
	}
}

// refreshed has fifty tabs refresh one session: all get the same child.
func (o *onceRound) refreshed(u *rig.User) {
	var mu sync.Mutex
	children := map[string]int{}
	o.atOnce(func(c *rig.Client) *rig.Reply {
		child, r := c.Renew(o.s.Context(), u.Refresh)
		mu.Lock()
		defer mu.Unlock()
		if child != nil {
			children[child.Refresh]++
		} else {
			children[r.String()]++
		}
		return r
	})
	if len(children) != 1 {
		o.s.Found("one refresh token has come to %v", children)
	}
}

// once uses a thing on all nodes at one moment: one use succeeds, and the others find it
// used up.
func (o *onceRound) once(what, spent string, do func(c *rig.Client) *rig.Reply) {
	replies := o.atOnce(do)
	if !maps.Equal(replies, map[string]int{"ok": 1, spent: usesAtOnce - 1}) {
		o.s.Found("%s, used %d times, was answered %v", what, usesAtOnce, replies)
	}
	o.used = append(o.used, onceUse{what, spent, do})
	if len(o.used) > 20 {
		o.used = o.used[1:]
	}
}

func (o *onceRound) atOnce(do func(c *rig.Client) *rig.Reply) map[string]int {
	var mu sync.Mutex
	replies := map[string]int{}
	start := make(chan struct{})
	var using sync.WaitGroup
	for i := range usesAtOnce {
		c := o.nodes[i%len(o.nodes)].Client()
		using.Go(func() {
			<-start
			r := do(c)
			said := fmt.Sprint(r.Status, " ", r.Code)
			if r.OK() {
				said = "ok"
			}
			mu.Lock()
			defer mu.Unlock()
			replies[said]++
		})
	}
	close(start)
	using.Wait()
	return replies
}

var mailedLink = regexp.MustCompile(`(?m)^http://atelier\.test/[a-z-]+\?token=([\w.-]+)\r?$`)

// mailed is the token of the newest mail of a kind to an address. The node that has
// sent it keeps it.
func (o *onceRound) mailed(to, kind string) (token string) {
	o.s.Helper()
	for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(5 * time.Millisecond) {
		for _, file := range o.mails() {
			content, err := os.ReadFile(file)
			if err != nil || !strings.Contains(string(content), "<"+to+">") || !strings.Contains(string(content), "X-Atelier-Mail: "+kind+"\r\n") {
				continue
			}
			if link := mailedLink.FindStringSubmatch(string(content)); link != nil {
				o.s.Must(os.Remove(file)) // the next of its kind is another
				return link[1]
			}
		}
	}
	o.s.Fatalf("no mail %s has come to %s", kind, to)
	return ""
}

// mails are the files of those that all nodes have sent.
func (o *onceRound) mails() (files []string) {
	o.s.Helper()
	for _, n := range o.nodes {
		found, err := filepath.Glob(filepath.Join(n.Dir(), "mail", "*.eml"))
		o.s.Must(err)
		files = append(files, found...)
	}
	return files
}
