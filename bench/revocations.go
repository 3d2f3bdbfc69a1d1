package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	createRate     = 1000 // a second, while revocations are measured
	createLines    = 50   // connections that make them
	revokedTarget  = 100  // ms
	frozenTarget   = 4000 // ms: the lease's time and a second
	revocationsFor = 5    // spans of measured time
	revokedEvery   = 10 * time.Millisecond
	thawAfter      = 6 * time.Second
)

// revocations measures how long the answer to a revocation takes that every node
// must have heard of: members of a project are removed while projects are created,
// and then while one of the nodes stands still.
func (r *rig) revocations(ctx context.Context, o options) (findings, error) {
	var found findings
	f, err := r.populated(ctx, "revoke", 3, 16, watched)
	if err != nil {
		return found, err
	}
	defer f.close()
	busy, rate, err := f.revokeBusy(ctx, o)
	if err != nil {
		return found, err
	}
	var frozen []float64
	for range max(1, o.rounds) {
		longest, err := f.revokeFrozen(ctx)
		if err != nil {
			return found, err
		}
		frozen = append(frozen, longest)
		progress("cluster/revocations: a node stood still, the longest took %.0f ms", longest)
	}
	found.figures = []figure{
		{Name: fmt.Sprintf("create requests meanwhile, of %d", createRate), Value: rate, Unit: "/s"},
		{Name: fmt.Sprintf("median of %d", len(busy)), Value: median(busy), Unit: "ms"},
		{Name: "p99", Value: quantile(busy, 0.99), Unit: "ms", Target: upTo(revokedTarget)},
		{Name: "longest", Value: quantile(busy, 1), Unit: "ms"},
		{Name: fmt.Sprintf("with a node that stands still, longest of %d times", len(frozen)), Value: quantile(frozen, 1), Unit: "ms", Target: upTo(frozenTarget)},
	}
	return found, nil
}

// revokeBusy removes members through all nodes in turn, under a load of creates
// that comes at a fixed rate.
func (f *fleet) revokeBusy(ctx context.Context, o options) (took []float64, rate float64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var made atomic.Int64
	creates := pace{addresses(f.nodes), createLines, createRate, func(n int) client { return creating(f.people[n%len(f.people)]) }}
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		ended <- creates.run(ctx, time.Time{}, func(_, _ time.Time) { made.Add(1) })
	}()
	time.Sleep(o.span.warm)
	began, before := time.Now(), made.Load()
	for k := 0; time.Since(began) < revocationsFor*o.span.measured && err == nil && ctx.Err() == nil; k++ {
		var ms float64
		ms, err = f.revoke(f.nodes[k%len(f.nodes)], f.owns[k%len(f.owns)], 1+k%members)
		took = append(took, ms)
		time.Sleep(revokedEvery)
	}
	rate = float64(made.Load()-before) / time.Since(began).Seconds()
	cancel()
	return took, rate, errors.Join(<-ended, err)
}

// revoke adds a member to a project and removes it again, and tells how long the
// removal took, in ms.
func (f *fleet) revoke(through *node, project string, member int) (float64, error) {
	path, token := "/api/v1/projects/"+project+"/collaborators", f.people[0].token
	if err := through.ask("POST", path, token, fmt.Sprintf(`{"user_id":%q,"role":"viewer"}`, number(member)), &rawBody{}); err != nil {
		return 0, err
	}
	began := time.Now()
	err := through.delete(path+"/"+number(member), token)
	return time.Since(began).Seconds() * 1e3, err
}

func (c *child) delete(path, token string) error {
	request, response := &fasthttp.Request{}, &fasthttp.Response{}
	fill(request, "DELETE", path, token)
	request.SetRequestURI("http://" + c.address + path)
	if err := fasthttp.DoTimeout(request, response, patience); err != nil {
		return err
	}
	if response.StatusCode() > 299 {
		return fmt.Errorf("DELETE %s: %s", path, response.Body())
	}
	return nil
}

// revokeFrozen removes members while a node stands still that has nothing to do
// with them but its lease. The longest is the first: it waits until the node cannot
// trust its lease any more.
func (f *fleet) revokeFrozen(ctx context.Context) (longest float64, err error) {
	frozen := f.nodes[len(f.nodes)-1]
	project := ""
	for _, id := range f.owns {
		if home(f.nodes, "project", id) == f.nodes[0] {
			project = id
		}
	}
	if project == "" {
		return 0, errors.New("no project lives on the first node: run it again")
	}
	if _, err := f.revoke(f.nodes[0], project, 1); err != nil { // its owner's session is known there now
		return 0, err
	}
	frozen.freeze()
	began := time.Now()
	for k := 2; time.Since(began) < thawAfter && err == nil; k++ {
		var ms float64
		ms, err = f.revoke(f.nodes[0], project, 1+k%members)
		longest = max(longest, ms)
		time.Sleep(revokedEvery)
	}
	time.Sleep(time.Until(began.Add(thawAfter)))
	frozen.thaw()
	return longest, errors.Join(err, f.settle(ctx, f.nodes...))
}
