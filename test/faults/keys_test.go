package faults_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"atelier/test/rig"
	"atelier/test/services"
)

// The key of the gossip is replaced in three steps while the nodes run and are at
// work. They see each other all the time; afterwards the new key lets a node in,
// and the old one does not.
func TestKeysAreRotatedUnderLoad(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	key := func(fill string) string { return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(fill, 32))) }
	former, latter := key("f"), key("l")
	file := func(name string) string { return filepath.Join(s.Dir, name+".keys") }
	setting := func(name string) []string { return []string{"ATELIER_CLUSTER_KEY=file:" + file(name)} }
	put := func(name string, keys ...string) {
		next := file(name) + ".next"
		s.Must(os.WriteFile(next, []byte("# of the gossip\n"+strings.Join(keys, "\n")+"\n"), 0o600))
		s.Must(os.Rename(next, file(name)))
	}
	names := []string{"a", "b", "c"}
	for _, name := range names {
		put(name, former)
	}
	url := services.Postgres(t).URL()
	nodes := s.StartClusterWith(url, setting, names...)
	s.Must(rig.AwaitWhole(s.Context(), nodes, healsWithin))
	views := func() (lines int) {
		for _, n := range nodes {
			lines += n.Said("members of the cluster")
		}
		return lines
	}
	stop, before := atWorkOn(s, nodes), views()
	for step, keys := range [][]string{{former, latter}, {latter, former}, {latter}} {
		for _, n := range nodes {
			put(n.Name, keys...)
			s.AwaitSaid(n, "the keys of the gossip were replaced", step+1)
		}
	}
	s.Logf("%d requests", stop())
	if after := views(); after != before {
		s.Found("the nodes have told %d other views while the key was replaced", after-before)
	}
	put("late", former)
	late := s.Join(nodes, "late", url, setting("late")...)
	if seen, err := nodes[0].Sees(s.Context(), "late"); err != nil || seen != "unseen" {
		s.Found("with the old key a node is %q (%v)", seen, err)
	}
	late.Terminate()
	put("late", latter)
	late.Restart()
	s.Must(rig.AwaitWhole(s.Context(), append(nodes, late), healsWithin))
}

// The keys of tokens are replaced from the command line while two nodes are at work, and
// people sign in on one, ask the other and refresh there: none of it fails. Then the
// old key is retired, and what it has signed is refused on both.
func TestSigningKeysAreRotatedUnderLoad(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	url := services.Postgres(t).URL()
	nodes := s.StartCluster(url, "a", "b")
	s.Must(rig.AwaitWhole(s.Context(), nodes, healsWithin))
	user := s.Register(nodes[0], "user")
	before := s.SignIn(nodes[0], s.Register(nodes[0], "witness"))
	keys := func(args ...string) string {
		return s.Run(append(append([]string{"keys"}, args...), "--database-url", url, "--data-dir", s.Dir)...)
	}
	ask := func(u *rig.User, n *rig.Node) *rig.Reply {
		return u.At(n).Do(s.Context(), "GET", "/users/me", nil)
	}
	stop := atWorkOn(s, nodes)
	s.Logf("%s", keys("rotate", "--overlap", "10s"))
	logins, began := 0, time.Now()
	for signer := ""; signer != "access-2" && time.Since(began) < time.Minute; {
		for i, n := range nodes {
			other := nodes[1-i]
			signed := s.SignIn(n, user)
			logins++
			if r := ask(signed, other); !r.OK() {
				s.Found("what node %s has just signed is answered %s by node %s", n.Name, r, other.Name)
			}
			if _, r := other.Client().Renew(s.Context(), signed.Refresh); !r.OK() {
				s.Found("what node %s has just signed is refreshed as %s by node %s", n.Name, r, other.Name)
			}
			header, err := base64.RawURLEncoding.DecodeString(strings.Split(signed.Access, ".")[0])
			s.Must(err)
			signer = map[bool]string{true: "access-2"}[strings.Contains(string(header), `"access-2"`)]
		}
	}
	for _, n := range nodes {
		if r := ask(before, n); !r.OK() {
			s.Found("after the rotation node %s answers what was signed before: %s", n.Name, r)
		}
	}
	s.Logf("%d log-ins, %d other requests", logins, stop())
	s.Logf("%s", keys("retire", "access-1"))
	for _, n := range nodes {
		r := ask(before, n)
		for retired := time.Now(); !r.Is("invalid_token") && time.Since(retired) < time.Minute; r = ask(before, n) {
			time.Sleep(20 * time.Millisecond)
		}
		if !r.Is("invalid_token") {
			s.Found("node %s answers what a retired key has signed: %s", n.Name, r)
		}
		if r := ask(s.SignIn(n, user), n); !r.OK() {
			s.Found("after a key was retired, node %s answers %s", n.Name, r)
		}
	}
}
