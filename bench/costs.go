package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/valyala/fasthttp"

	"atelier/test/services"
)

const (
	costTarget      = 10  // µs of CPU a request
	costMust        = 30  // where it stays within the program and Postgres
	costMustAway    = 100 // where each request asks another process
	costRounds      = 2   // for each of others: a difference is small beside what it is taken from
	costConnections = 16
	visitors        = 1024 // addresses that read without signing in
)

// Settings under which everybody is counted and nobody refused, and callers are
// whom the bench says that they are.
var (
	proxied = []string{"ATELIER_TRUSTED_PROXIES=127.0.0.1"}
	limited = []string{"ATELIER_RATE_LIMITS=on", "ATELIER_RATE_LIMIT_MINUTE=100000", "ATELIER_RATE_LIMIT_HOUR=100000"}
)

// work is what is done with a feature and without it.
type work struct {
	name  string
	of    func(*site) racer
	apart bool // told without a target: it is not what the feature is held to
}

var readAndCreate = []work{{name: "read", of: (*site).visit}, {name: "create", of: (*site).createAll}}

// cost is two programs on two databases that are alike but for one feature.
type cost struct {
	name    string
	both    []string                                 // settings
	with    []string                                 // and those of the feature
	also    []int                                    // processes that work for it
	without func(ctx context.Context, s *site) error // switches it off; nil: the settings do
	works   []work
	must    float64
}

// measure lets both take turns.
func (c cost) measure(ctx context.Context, r *rig, o options) (found findings, err error) {
	var sites [2]*site
	for i, name := range []string{"with", "without"} {
		settings := c.both
		if name == "with" {
			settings = append(c.both[:len(c.both):len(c.both)], c.with...)
		}
		s, err := r.open(ctx, strings.ReplaceAll(c.name, "-", "_")+"_"+name, settings...)
		if err != nil {
			return found, err
		}
		defer s.server.stop()
		if err := s.populate(ctx, people, `,"settings":{"public":true}`); err != nil {
			return found, err
		}
		sites[i] = s
	}
	with, without := sites[0], sites[1]
	o.rounds *= costRounds
	with.also = c.also
	if c.without != nil {
		if err := c.without(ctx, without); err != nil {
			return found, err
		}
	}
	for _, w := range c.works {
		ours, theirs := w.of(with), w.of(without)
		ours.name, theirs.name = "with it", "without"
		name := "cost/" + c.name + "/" + w.name
		result, err := contest{name: name, ours: ours, rivals: []rival{{racer: theirs}}, program: with.server}.run(ctx, r, o)
		if err != nil {
			return found, fmt.Errorf("%s: %w", name, err)
		}
		found.contests = append(found.contests, result)
		told := figure{Name: w.name + ", CPU", Value: result.Rivals[0].CPUMore, Unit: "µs"}
		if !w.apart {
			told.Target, told.Must = upTo(costTarget), upTo(c.must)
		}
		found.figures = append(found.figures, told)
	}
	return found, nil
}

// visit reads public projects from many addresses, without signing in.
func (s *site) visit() racer {
	return s.api("", costConnections, func(int) client {
		read := reading(&person{}, s.owns)
		return client{next: func(q *fasthttp.Request) {
			read.next(q)
			n := rand.IntN(visitors)
			q.Header.Set("X-Forwarded-For", "10.1."+strconv.Itoa(n>>8)+"."+strconv.Itoa(n&255))
		}}
	})
}

// createAll creates projects of all people.
func (s *site) createAll() racer {
	return s.api("", costConnections, func(int) client {
		return client{next: func(q *fasthttp.Request) { creating(s.users[rand.IntN(len(s.users))]).next(q) }}
	})
}

// joinAll adds and removes a collaborator, every connection in a project of its own.
func (s *site) joinAll() racer {
	in := make([]bool, costConnections)
	return s.api("", costConnections, func(n int) client {
		path, member := "/api/v1/projects/"+s.owns[n]+"/collaborators", number(n+1)
		return client{
			next: func(q *fasthttp.Request) {
				if in[n] {
					fill(q, "DELETE", path+"/"+member, s.reader.token)
					return
				}
				fill(q, "POST", path, s.reader.token)
				q.SetBodyString(`{"user_id":"` + member + `","role":"editor"}`)
			},
			answered: func(*fasthttp.Response) error { in[n] = !in[n]; return nil },
		}
	})
}

// limits are those that the program counts in its own memory.
func (r *rig) limits(ctx context.Context, o options) (findings, error) {
	return cost{name: "limits", both: proxied, with: limited, works: readAndCreate, must: costMust}.measure(ctx, r, o)
}

// limitsTogether are those that nodes count in Redis.
func (r *rig) limitsTogether(ctx context.Context, o options) (findings, error) {
	redis, err := services.StartRedis()
	if err != nil {
		return findings{}, err
	}
	defer redis.Stop()
	return cost{
		name: "limits-redis", both: proxied, with: append(limited[:len(limited):len(limited)], "ATELIER_REDIS_URL="+redis.URL()), also: []int{redis.PID()}, works: readAndCreate, must: costMustAway,
	}.measure(ctx, r, o)
}

// tracing sends traces to a collector of the bench's own, whose CPU does not count.
func (r *rig) tracing(ctx context.Context, o options) (findings, error) {
	c, err := collect()
	if err != nil {
		return findings{}, err
	}
	defer c.close()
	found, err := cost{name: "tracing", both: proxied, with: []string{"ATELIER_OTLP_ENDPOINT=" + c.url}, works: readAndCreate, must: costMust}.measure(ctx, r, o)
	if err == nil && c.batches.Load() == 0 {
		err = errors.New("no traces came")
	}
	progress("cost/tracing: %d batches of spans, %d bytes", c.batches.Load(), c.bytes.Load())
	return found, err
}

// untold has events found and numbered as if the audit told of none.
const untold = `
	DROP INDEX idx_events_audit;
	CREATE OR REPLACE FUNCTION atelier_unnumbered() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO feed_pending (stream, seq, audited) SELECT stream, seq, false FROM happened;
		RETURN NULL;
	END $$`

// audit tells who did what. There is no setting for that, so the database of the
// program without it does not look at what the audit tells of. Reads and creates have
// none; what a change of members pays for its row is told beside.
func (r *rig) audit(ctx context.Context, o options) (findings, error) {
	works := append(readAndCreate[:len(readAndCreate):len(readAndCreate)], work{"member", (*site).joinAll, true})
	return cost{name: "audit", both: proxied, must: costMust, works: works, without: func(ctx context.Context, s *site) error {
		db, err := pgx.Connect(ctx, s.ours)
		if err != nil {
			return err
		}
		defer db.Close(ctx)
		_, err = db.Exec(ctx, untold)
		return err
	}}.measure(ctx, r, o)
}
