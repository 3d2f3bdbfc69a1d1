package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// trial is a case that has programs of its own.
type trial struct {
	name  string
	about string
	run   func(context.Context, options) (findings, error)
}

// findings are what a trial has measured.
type findings struct {
	contests []contestResult
	figures  []figure
}

// duties are the cases of what is around the core, on one node.
func duties(r *rig) []trial {
	return []trial{
		{"outbox/relay", "a backlog sent to RabbitMQ against a bare publisher of the same messages, with as many channels and as many to a confirm", r.relay},
		{"outbox/lag", fmt.Sprintf("from a commit to the consumer, at %d creates a second", lagRate), r.lag},
		{"login/reads", fmt.Sprintf("%d reads a second while log-ins saturate against the same alone", readRate), r.crowded},
		{"cost/limits", "CPU of limits that a node counts alone, on read and create", r.limits},
		{"cost/limits-redis", "CPU of limits that nodes count together, on read and create, that of Redis included", r.limitsTogether},
		{"cost/tracing", "CPU of traces at the default share of requests, on read and create", r.tracing},
		{"documents", "an update of a shared document to a client, durable, against the servers of y-websocket and Hocuspocus, which keep documents in memory", r.documents},
		{"documents/trace", "the updates of a long text's life merged, against Node's yjs", r.trace},
		{"live/fanout", fmt.Sprintf("what happens in a project to %d sockets on one node, against raw writes and an embedded centrifuge", listeners), r.fanout},
		{"live/stalled", fmt.Sprintf("the same with %d sockets that are not read, against without", stalledReaders), r.stalled},
		{"live/presence", "who is in a project while all move, and what commands of it have of that", r.moving},
		{"live/idle", fmt.Sprintf("memory of %d sockets that watch and hear nothing", idleSockets), r.idle},
		{"cost/audit", "CPU of the audit, on read and create, which have no row in it, and on collaborators, which have", r.audit},
	}
}

// clusters are the cases of several nodes.
func clusters(r *rig) []trial {
	return []trial{
		{"cluster/hop", "a request through another node against one on the entity's own", r.hop},
		{"cluster/nodes", "reads and creates on three nodes against one and two", r.sizes},
		{"cluster/kills", "for how long clients are without an answer when a node is killed", r.kills},
		{"cluster/freezes", "and when it stands still for longer than its lease lives", r.freezes},
		{"cluster/live", "from a request to its event at a socket of each other node, and what a socket has missed", r.liveEvents},
		{"cluster/revocations", "what every node must hear of, under load and with one that stands still", r.revocations},
		{"live/revocation", "from the removal of a member to the cut of his sockets on another of three nodes, and to the answer", r.cuts},
		{"cluster/moves", "a join and a drain where much is live", r.moves},
	}
}

// short are the options of a case with shorter turns: there are many of them.
func short(o options) options {
	o.span.warm, o.span.measured, o.profiles = o.span.warm/2, o.span.measured/2, ""
	return o
}

const hopCPU = 60 // µs

// hop measures what it costs that a request arrives at another node than that of
// its entity: one of two nodes drains, so that the other one owns everything.
func (r *rig) hop(ctx context.Context, o options) (findings, error) {
	var found findings
	f, err := r.populated(ctx, "hop", 2, 16, owned)
	if err != nil {
		return found, err
	}
	defer f.close()
	own, other := f.nodes[0], f.nodes[1]
	if err := other.drain(); err != nil {
		return found, err
	}
	reads := func(int) client { return reading(f.people[0], f.owns) }
	creates := func(n int) client { return creating(f.people[n%len(f.people)]) }
	for _, c := range []struct {
		what        string
		connections int
		who         func(int) client
		target      *float64
	}{{"read", 1, reads, nil}, {"read", 16, reads, upTo(hopCPU)}, {"read", 64, reads, upTo(hopCPU)}, {"create", 16, creates, upTo(hopCPU)}} {
		name := fmt.Sprintf("cluster/hop/%s/%d", c.what, c.connections)
		result, err := contest{
			name: name, ours: f.api("through another node", c.connections, c.who, other),
			rivals: []rival{{f.api("on its own node", c.connections, c.who, own), 0, 0, 0}},
		}.run(ctx, r, short(o))
		if err != nil {
			return found, fmt.Errorf("%s: %w", name, err)
		}
		found.contests = append(found.contests, result)
		with, without := result.Lap, result.Rivals[0].Lap
		found.figures = append(found.figures,
			figure{Name: fmt.Sprintf("%s, %d connections, CPU of both nodes", c.what, c.connections), Value: with.Server - without.Server, Unit: "µs", Target: c.target},
			figure{Name: fmt.Sprintf("%s, %d connections, median latency", c.what, c.connections), Value: 1e3 * (with.P50 - without.P50), Unit: "µs"})
		if o.profiles != "" {
			if err := f.profile(ctx, o, name, c.connections, c.who, other); err != nil {
				return found, err
			}
		}
	}
	return found, nil
}

// sizes loads clusters of one, two and three nodes through all of their nodes.
// They share this machine's cores, so the CPU of a request says more than the
// ratio of the rates.
func (r *rig) sizes(ctx context.Context, o options) (findings, error) {
	var found findings
	var fleets []*fleet
	for n := range 3 {
		f, err := r.populated(ctx, fmt.Sprintf("of%d", n+1), n+1, 16, owned)
		if err != nil {
			return found, err
		}
		defer f.close()
		fleets = append(fleets, f)
	}
	for _, what := range []string{"read", "create"} {
		var racers []racer
		for i, f := range fleets {
			who := func(int) client { return reading(f.people[0], f.owns) }
			if what == "create" {
				who = func(n int) client { return creating(f.people[n%len(f.people)]) }
			}
			racers = append(racers, f.api([]string{"one node", "two nodes", "three nodes"}[i], 48, who, f.nodes...))
		}
		slices.Reverse(racers)
		result, err := contest{name: "cluster/nodes/" + what, ours: racers[0], rivals: []rival{{racer: racers[1]}, {racer: racers[2]}}}.run(ctx, r, short(o))
		if err != nil {
			return found, err
		}
		found.contests = append(found.contests, result)
	}
	return found, nil
}

// profile takes another turn, which does not count, with the profilers of all
// nodes on.
func (f *fleet) profile(ctx context.Context, o options, name string, connections int, who func(int) client, through ...*node) error {
	seconds := int(o.span.measured.Seconds())
	failures := make([]error, len(f.nodes))
	var all sync.WaitGroup
	for i, n := range f.nodes {
		all.Go(func() { failures[i] = n.keep(o.profiles, name+"-"+n.name, fmt.Sprintf("profile?seconds=%d", seconds)) })
	}
	_, err := f.api(name, connections, who, through...).race(ctx, span{0, time.Duration(seconds+1) * time.Second})
	all.Wait()
	return errors.Join(append(failures, err)...)
}
