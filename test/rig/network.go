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
	network  *services.Network
	database string
	hosts    map[*Node]*services.Host
}

// StartNetwork starts nodes that are one cluster, on a Postgres of their own of
// which it returns the URL. Where this process may not make networks, the
// scenario is skipped.
func (s *Scenario) StartNetwork(names ...string) (n *Network, database string) {
	s.Helper()
	n = s.emptyNetwork()
	hosts := make([]*services.Host, len(names))
	for i := range hosts {
		hosts[i] = n.host()
	}
	n.Nodes = s.startCluster(n.database, names, func(i int) place { return place{host: hosts[i]} })
	for i, node := range n.Nodes {
		n.hosts[node] = hosts[i]
	}
	return n, n.database
}

func (s *Scenario) emptyNetwork() *Network {
	s.Helper()
	network, err := services.StartNetwork()
	if errors.Is(err, services.ErrNoNetworks) {
		s.Skip(err)
	}
	s.Must(err)
	s.Cleanup(network.Stop)
	return &Network{scenario: s, network: network, database: services.OwnPostgres(s, network.Servers()).URL("test"), hosts: map[*Node]*services.Host{}}
}

func (n *Network) host() *services.Host {
	n.scenario.Helper()
	host, err := n.network.Host()
	n.scenario.Must(err)
	return host
}

// StartNamed makes a network without nodes, in which they find each other by a
// name server.
func (s *Scenario) StartNamed() (n *Network, names *services.Names) {
	s.Helper()
	n = s.emptyNetwork()
	names, err := n.network.Names()
	s.Must(err)
	return n, names
}

// Join starts a node on a host of its own. Ready is told the host's address before
// the node starts, and returns its settings.
func (n *Network) Join(name string, ready func(address string) []string) *Node {
	n.scenario.Helper()
	host := n.host()
	node := n.scenario.startCluster(n.database, []string{name}, func(int) place { return place{host: host, settings: ready(host.Address())} })[0]
	n.Nodes, n.hosts[node] = append(n.Nodes, node), host
	return node
}

// Split has nodes reach those of their own side alone; who is on no side is
// alone. All of them reach the database.
func (n *Network) Split(sides ...[]*Node) {
	n.scenario.Helper()
	n.scenario.Fault("split")
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
	n.scenario.Fault("one-way cut")
	n.scenario.Must(n.hosts[node].Ignore(n.hosts[other]))
}

// LoseDatabase cuts a node off from the database.
func (n *Network) LoseDatabase(node *Node) {
	n.scenario.Helper()
	n.scenario.Fault("cut from the database")
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

// seesAll is an error unless the node sees so many, all of them trusted.
func (n *Node) seesAll(ctx context.Context, nodes int) error {
	members, err := n.sees(ctx)
	if err != nil {
		return err
	}
	for _, other := range members {
		if other.State != "up" || !other.Exclusive {
			return fmt.Errorf("%s says that %s is %s, exclusive: %t", n.Name, other.Name, other.State, other.Exclusive)
		}
	}
	if len(members) != nodes {
		return fmt.Errorf("%s sees %d nodes", n.Name, len(members))
	}
	return nil
}

// Sees is the state of another node as this one tells it; empty: it knows none
// of the name.
func (n *Node) Sees(ctx context.Context, name string) (state string, err error) {
	members, err := n.sees(ctx)
	for _, other := range members {
		if other.Name == name {
			state = other.State
		}
	}
	return state, err
}

// member is a node as another one tells of it.
type member struct {
	Name, State string
	Exclusive   bool
}

// sees asks the node's operations listener for its cluster.
func (n *Node) sees(ctx context.Context) ([]member, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.Setting("ATELIER_OPS_ADDR")+"/cluster", nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var seen struct{ Nodes []member }
	if err := json.NewDecoder(answer.Body).Decode(&seen); err != nil {
		return nil, fmt.Errorf("%s says %s: %w", n.Name, answer.Status, err)
	}
	return seen.Nodes, nil
}

// place is where a node runs, and what it is told beside the usual.
type place struct {
	host     *services.Host // nil: this machine
	settings []string
	seeds    []string // beside the gossip of those who start with it
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
