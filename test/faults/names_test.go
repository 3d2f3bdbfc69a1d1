package faults_test

import (
	"fmt"
	"testing"

	"atelier/test/rig"
)

// The names that Kubernetes gives to the pods of a StatefulSet, as in
// deploy/kubernetes.
const headless = "atelier-nodes.atelier.svc.cluster.local"

// Nodes find each other by the one name of a headless service, whose addresses come
// as the pods do, and call each other by the pods' own names. One that starts while
// the name server is silent joins when it answers again; one that comes back with
// another address is found there.
func TestNodesFindEachOtherByName(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	network, names := s.StartNamed()
	at := map[string]string{}
	join := func(name string) *rig.Node {
		return network.Join(name, func(address string) []string {
			at[name] = address
			var all []string
			for _, a := range at {
				all = append(all, a)
			}
			names.Set(headless, all...)
			names.Set(name+"."+headless, address)
			return []string{"ATELIER_CLUSTER_SEEDS=dns:" + headless + ":7946", "ATELIER_CLUSTER_ADDR=:7800", "ATELIER_GOSSIP_ADDR=:7946",
				"ATELIER_CLUSTER_ADVERTISE=" + name + "." + headless + ":7800", "ATELIER_GOSSIP_ADVERTISE=" + address + ":7946"}
		})
	}
	whole := func(what string) {
		t.Helper()
		if err := rig.AwaitWhole(s.Context(), network.Nodes, healsWithin); err != nil {
			s.Found("%s: %v", what, err)
		}
	}
	for _, name := range []string{"atelier-0", "atelier-1"} {
		join(name)
	}
	whole("two nodes")
	names.Silence(true)
	late := join("atelier-2")
	s.AwaitSaid(late, "seeds cannot be found", 1)
	names.Silence(false)
	whole("a third one that started without the name server")
	owner := s.SignIn(late, s.Register(late, "owner"))
	for i, n := range append(network.Nodes, network.Nodes...) {
		var project struct{ ID string }
		s.Must(owner.At(n).Do(s.Context(), "POST", "/projects", map[string]string{"name": fmt.Sprint(i)}).Into(&project))
		for _, other := range network.Nodes {
			if r := owner.At(other).Do(s.Context(), "GET", "/projects/"+project.ID, nil); !r.OK() {
				s.Found("node %s: %s", other.Name, r)
			}
		}
	}
	late.Kill()
	network.Nodes = network.Nodes[:2]
	delete(at, "atelier-2")
	join("atelier-2")
	whole("a pod that was made anew")
}
