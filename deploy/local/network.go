package main

import (
	"fmt"
	"os/exec"
	"slices"

	"atelier/test/services"
)

// network is where the nodes are: each on a host of its own, if that can be, so
// that they can be cut off from each other, and else all on loopback. It belongs
// to the main goroutine.
type network struct {
	net   *services.Network
	hosts []*services.Host // in the order of names; none on loopback
	why   error            // there are none
	cut   [len(names)]bool
}

// names of the nodes.
var names = [...]string{"a", "b", "c"}

func newNetwork() *network {
	n := &network{}
	if n.net, n.why = services.StartNetwork(); n.why != nil {
		return n
	}
	for range names {
		host, err := n.net.Host()
		if err != nil {
			n.stop()
			return &network{why: err}
		}
		n.hosts = append(n.hosts, host)
	}
	return n
}

func (n *network) stop() {
	if n.net != nil && n.why == nil {
		n.net.Stop()
	}
}

// servers are the addresses at which nodes find the database, beside loopback.
func (n *network) servers() []string {
	if n.hosts == nil {
		return nil
	}
	return []string{n.net.Servers()}
}

// at is the address of a node's port: on loopback the nodes share the ports, one
// after the other.
func (n *network) at(node, port int) string {
	if n.hosts == nil {
		return fmt.Sprintf("127.0.0.1:%d", port+1+node)
	}
	return fmt.Sprintf("%s:%d", n.hosts[node].Address(), port)
}

// serve is what runs a node.
func (n *network) serve(node int) func() *exec.Cmd {
	if n.hosts == nil {
		return func() *exec.Cmd { return exec.Command(program, "serve") }
	}
	return func() *exec.Cmd { return n.hosts[node].Command(program, "serve") }
}

// change cuts a node off from the others and from the database, or heals that.
// Clients and the balancer reach it all the time.
func (n *network) change(name string, cut bool) error {
	if n.hosts == nil {
		return fmt.Errorf("the nodes are all on loopback, which cannot be cut: %w", n.why)
	}
	node := slices.Index(names[:], name)
	if node < 0 {
		return fmt.Errorf("there is no node %q: one of %q", name, names)
	}
	if n.cut[node] == cut {
		return nil
	}
	if n.cut[node] = cut; cut {
		return n.part(node)
	}
	for i, host := range n.hosts {
		if err := host.Hear(); err != nil {
			return err
		}
		n.cut[i] = n.cut[i] && n.part(i) == nil
	}
	return nil
}

func (n *network) part(node int) error {
	host := n.hosts[node]
	if err := host.Ignore(n.hosts...); err != nil {
		return err
	}
	for _, other := range n.hosts {
		if err := other.Ignore(host); err != nil {
			return err
		}
	}
	return host.LoseServers()
}
