package faults_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
