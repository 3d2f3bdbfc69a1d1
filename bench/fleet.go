package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"atelier/cluster"
	"atelier/test/services"
)

// fleet is a cluster of the program on a database of its own.
type fleet struct {
	rig      *rig
	database string
	nodes    []*node
	people   []*person
	owns     []string // projects of the first of them
}

// node is one process of the program after the other, with one name and the same
// addresses.
type node struct {
	*child
	name string
	env  []string
	api  string
	ops  string
}

// fleet makes a cluster of that many nodes, none of which runs yet.
func (r *rig) fleet(ctx context.Context, name string, size int) (*fleet, error) {
	database, err := r.database(ctx, name)
	if err != nil {
		return nil, err
	}
	f := &fleet{rig: r, database: database}
	var seeds []string
	for i := range size {
		var addresses [4]string
		for k := range addresses {
			if addresses[k], err = services.Address(); err != nil {
				return nil, err
			}
		}
		data, err := os.MkdirTemp(r.dir, "node")
		if err != nil {
			return nil, err
		}
		n := &node{name: fmt.Sprintf("%s-%c", name, 'a'+i), api: addresses[0], ops: addresses[1]}
		seeds = append(seeds, addresses[3])
		n.env = []string{"ATELIER_HTTP_ADDR=" + n.api, "ATELIER_OPS_ADDR=" + n.ops, "ATELIER_DATA_DIR=" + data, "ATELIER_DATABASE_URL=" + database,
			"ATELIER_LOG_LEVEL=warn", "ATELIER_RATE_LIMITS=off", "ATELIER_NODE_NAME=" + n.name, "ATELIER_PUBLIC_URL=http://bench.test", "ATELIER_CLUSTER_NAME=" + name,
			"ATELIER_CLUSTER_PRESET=local", "ATELIER_CLUSTER_ADDR=" + addresses[2], "ATELIER_GOSSIP_ADDR=" + addresses[3]}
		f.nodes = append(f.nodes, n)
	}
	for _, n := range f.nodes {
		n.env = append(n.env, "ATELIER_CLUSTER_SEEDS="+strings.Join(seeds, ","))
	}
	return f, nil
}

// populated makes a cluster that runs and has people and projects.
func (r *rig) populated(ctx context.Context, name string, size, people, projects int) (*fleet, error) {
	f, err := r.fleet(ctx, name, size)
	if err != nil {
		return nil, err
	}
	if err = f.launch(ctx, f.nodes, f.nodes...); err == nil {
		err = f.populate(ctx, people, projects)
	}
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// launch starts nodes and returns when all that are named are one cluster.
func (f *fleet) launch(ctx context.Context, start []*node, all ...*node) error {
	failures := make([]error, len(start))
	var starting sync.WaitGroup
	for i, n := range start {
		starting.Go(func() {
			if n.child, failures[i] = f.rig.start(ctx, n.api, "/readyz", n.env, f.rig.binary, "serve"); failures[i] == nil {
				n.child.ops = n.ops
			}
		})
	}
	starting.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	return f.settle(ctx, all...)
}

// close ends the nodes at once: nobody needs what they still hold.
func (f *fleet) close() {
	for _, n := range f.nodes {
		if n.child != nil {
			n.kill()
		}
	}
}

// kill is kill -9.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.ended
}

func (c *child) freeze() { _ = c.cmd.Process.Signal(syscall.SIGSTOP) }
func (c *child) thaw()   { _ = c.cmd.Process.Signal(syscall.SIGCONT) }

func pids(nodes []*node) (all []int) {
	for _, n := range nodes {
		all = append(all, n.child.pids()...)
	}
	return all
}

func addresses(nodes []*node) (all []string) {
	for _, n := range nodes {
		all = append(all, n.api)
	}
	return all
}

// home is where an entity lives while these nodes run.
func home(nodes []*node, kind, id string) *node {
	var v cluster.View
	for _, n := range nodes {
		v.Nodes = append(v.Nodes, cluster.Node{Name: n.name})
	}
	owner, _ := v.Owner(kind, id)
	for _, n := range nodes {
		if n.name == owner.Name {
			return n
		}
	}
	return nil
}

// seen is a member of the cluster as a node tells of it.
type seen struct {
	Name, State string
	Exclusive   bool
	Entities    map[string]int64 // by kind
}

// members asks the node whom it sees.
func (n *node) members() ([]seen, error) {
	code, body, err := fasthttp.GetTimeout(nil, "http://"+n.ops+"/cluster", time.Second)
	if err == nil && code != fasthttp.StatusOK {
		err = fmt.Errorf("%s: status %d", n.name, code)
	}
	if err != nil {
		return nil, err
	}
	var answer struct{ Nodes []seen }
	err = json.Unmarshal(body, &answer)
	return answer.Nodes, err
}

// live is how many entities the node holds.
func (n *node) live() (int64, error) {
	all, err := n.members()
	for _, m := range all {
		if m.Name == n.name && m.Entities != nil {
			total := int64(0)
			for _, live := range m.Entities {
				total += live
			}
			return total, nil
		}
	}
	return 0, cmp.Or(err, fmt.Errorf("%s does not tell of itself", n.name))
}

// drain has the node hand over what it holds.
func (n *node) drain() error {
	q, a := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	q.Header.SetMethod("POST")
	q.SetRequestURI("http://" + n.ops + "/drain")
	err := fasthttp.DoTimeout(q, a, patience)
	if err == nil && a.StatusCode() > 299 {
		err = fmt.Errorf("drain %s: status %d", n.name, a.StatusCode())
	}
	return err
}

// settle returns when each of the nodes sees all of them, with leases that let
// them answer from memory, and nobody else.
func (f *fleet) settle(ctx context.Context, nodes ...*node) error {
	for _, n := range nodes {
		err := await(ctx, func() bool {
			all, err := n.members()
			up := 0
			for _, m := range all {
				if m.State == "up" && m.Exclusive {
					up++
				}
			}
			return err == nil && up == len(nodes) && len(all) == len(nodes)
		})
		if err != nil {
			return fmt.Errorf("%s does not see its cluster: %w:\n%s", n.name, err, n.said())
		}
	}
	return nil
}

// await looks until there is what is looked for.
func await(ctx context.Context, look func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !look() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// populate registers people through the first node, and gives the first of them
// projects.
func (f *fleet) populate(ctx context.Context, people, projects int) (err error) {
	at := f.nodes[0].child
	if f.people, err = at.register(people); err != nil {
		return err
	}
	if f.owns, err = at.found(f.people[0], projects, ""); err != nil {
		return err
	}
	return ctx.Err()
}

// api is a contestant that asks the cluster through some of its nodes. The CPU is
// that of all of them.
func (f *fleet) api(name string, connections int, who func(n int) client, through ...*node) racer {
	return racer{name, func(ctx context.Context, s span) (lap, error) {
		m := &meter{program: pids(f.nodes), postgres: f.rig.postmaster}
		l, err := load{addresses(through), connections, who}.run(ctx, s, m.read)
		return m.charge(l, s), err
	}}
}
