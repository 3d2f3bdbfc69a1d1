package main

import (
	"context"
	"errors"
)

const (
	readRate    = 500
	readLines   = 16
	crowd       = 8 // connections that log in, as fast as they are let
	crowdTarget = 2 // times the p99 of reads alone
	crowdMust   = 4
)

// crowded reads at a steady rate, alone and while log-ins saturate the slots for
// hashing.
func (r *rig) crowded(ctx context.Context, o options) (found findings, err error) {
	s, err := r.open(ctx, "logins")
	if err != nil {
		return found, err
	}
	defer s.server.stop()
	if err := s.populate(ctx, crowd, ""); err != nil {
		return found, err
	}
	alone := s.steady("reads alone", pace{lines: readLines, rate: readRate, client: func(int) client { return reading(s.reader, s.owns) }})
	var logins []float64
	among := racer{"reads among log-ins", func(ctx context.Context, over span) (lap, error) {
		if err := s.signIn(); err != nil { // not by both at one time
			return lap{}, err
		}
		ended := make(chan error, 1)
		go func() {
			l, err := s.login(crowd).race(ctx, span{0, over.warm + over.measured})
			logins = append(logins, l.Rate)
			ended <- err
		}()
		l, err := alone.race(ctx, over)
		l.Server, l.Postgres = 0, 0 // the log-ins' too
		return l, errors.Join(err, <-ended)
	}}
	result, err := contest{name: "login/reads", ours: among, rivals: []rival{{racer: alone}}, program: s.server}.run(ctx, r, o)
	if err != nil {
		return found, err
	}
	found.contests = append(found.contests, result)
	found.figures = []figure{
		{Name: "log-ins meanwhile", Value: median(logins), Unit: "/s"},
		{Name: "p99 of reads, times what it is without them", Value: result.Rivals[0].P99Ratio, Target: upTo(crowdTarget), Must: upTo(crowdMust)},
	}
	return found, nil
}
