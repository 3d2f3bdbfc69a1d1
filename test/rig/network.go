package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"atelier/test/services"
)

// Network is a cluster whose nodes are hosts of a network of their own, which
// can be cut. Clients reach every node at all times. It belongs to the scenario's
// goroutine.
type Network struct {
	Nodes []*Node

	scenario *Scenario
	hosts    map[*Node]*services.Host
}

// StartNetwork starts nodes that are one cluster, on a Postgres of their own of
// which it returns the URL. Where this process may not make networks, the
// scenario is skipped.
func (s *Scenario) StartNetwork(names ...string) (n *Network, database string) {
	s.Helper()
	network, err := services.StartNetwork()
	if errors.Is(err, services.ErrNoNetworks) {
		s.Skip(err)
	}
	s.Must(err)
	s.Cleanup(network.Stop)
	database = services.OwnPostgres(s, network.Servers()).URL("test")
	n = &Network{scenario: s, hosts: map[*Node]*services.Host{}}
	hosts := make([]*services.Host, len(names))
	for i := range hosts {
		hosts[i], err = network.Host()
		s.Must(err)
	}
	n.Nodes = s.startCluster(database, names, func(i int) place { return place{host: hosts[i]} })
	for i, node := range n.Nodes {
		n.hosts[node] = hosts[i]
	}
	return n, database
}

// Split has nodes reach those of their own side alone; who is on no side is
// alone. All of them reach the database.
func (n *Network) Split(sides ...[]*Node) {
	n.scenario.Helper()
	for _, node := range n.Nodes {
		others := maps.Clone(n.hosts)
		for _, side := range sides {
			if slices.Contains(side, node) {
				maps.DeleteFunc(others, func(other *Node, _ *services.Host) bool { return slices.Contains(side, other) })
			}
		}
		n.scenario.Must(n.hosts[node].Ignore(slices.Collect(maps.Values(others))...))
	}
}

// Deafen has a node hear nothing of another one, which still hears it.
func (n *Network) Deafen(node, other *Node) {
	n.scenario.Helper()
	n.scenario.Must(n.hosts[node].Ignore(n.hosts[other]))
}

// LoseDatabase cuts a node off from the database.
func (n *Network) LoseDatabase(node *Node) {
	n.scenario.Helper()
	n.scenario.Must(n.hosts[node].LoseServers())
}

// Heal ends all cuts.
func (n *Network) Heal() {
	n.scenario.Helper()
	for _, host := range n.hosts {
		n.scenario.Must(host.Hear())
	}
}

// AwaitWhole waits until every node sees every other and all are trusted again.
func AwaitWhole(ctx context.Context, nodes []*Node, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		var err error
		for _, node := range nodes {
			err = errors.Join(err, node.seesAll(ctx, len(nodes)))
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// seesAll asks the node's operations listener for its cluster.
func (n *Node) seesAll(ctx context.Context, nodes int) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.Setting("ATELIER_OPS_ADDR")+"/cluster", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var seen struct {
		Nodes []struct {
			Name, State string
			Exclusive   bool
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&seen); err != nil {
		return fmt.Errorf("%s says %s: %w", n.Name, answer.Status, err)
	}
	for _, other := range seen.Nodes {
		if other.State != "up" || !other.Exclusive {
			return fmt.Errorf("%s says that %s is %s, exclusive: %t", n.Name, other.Name, other.State, other.Exclusive)
		}
	}
	if len(seen.Nodes) != nodes {
		return fmt.Errorf("%s sees %d nodes", n.Name, len(seen.Nodes))
	}
	return nil
}

// place is where a node runs, and what it is told beside the usual.
type place struct {
	host     *services.Host // nil: this machine
	settings []string
}

// addresses are those of the node's connections to others, of its gossip, its
// API and its operations listener.
func (p place) addresses(s *Scenario) (cluster, gossip, api, ops string) {
	if p.host == nil {
		return services.FreeAddress(s), services.FreeAddress(s), "127.0.0.1:0", services.FreeAddress(s)
	}
	at := func(port int) string { return fmt.Sprintf("%s:%d", p.host.Address(), port) }
	return at(7800), at(7946), at(8080), at(9090)
}
