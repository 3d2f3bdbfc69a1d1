package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"
)

// span is one turn of a contestant.
type span struct{ warm, measured time.Duration }

// lap is what a contestant did in one turn.
type lap struct {
	Rate     float64 // per second
	P50, P99 float64 // milliseconds; 0 where it is not known
	Server   float64 // CPU µs a request of the program
	Postgres float64 // and of Postgres
}

func (l lap) cpu() float64 { return l.Server + l.Postgres }

// racer does one kind of work as fast as it can.
type racer struct {
	name string
	race func(context.Context, span) (lap, error)
}

// turn is a lap in which something was done.
func (r racer) turn(ctx context.Context, s span) (lap, error) {
	l, err := r.race(ctx, s)
	if err == nil && l.Rate == 0 {
		err = fmt.Errorf("nothing was done in %v", s.measured)
	}
	if err != nil {
		return l, fmt.Errorf("%s: %w", r.name, err)
	}
	return l, nil
}

// rival is whom a contestant is measured against.
type rival struct {
	racer
	target float64 // the ratio to reach; 0: for information
	must   float64 // the ratio below which the case has failed; 0: none
	cpu    float64 // the ratio of CPU to stay below; 0: for information
}

// contest is one case: a contestant of ours and its rivals, taking turns.
type contest struct {
	name    string
	about   string
	ours    racer
	rivals  []rival
	program *child // that does our work, and is profiled; nil: the rig's
}

// run lets all take turns and keeps the medians. Ratios are taken within a round,
// where the machine was the same for both. Who begins one ends the next: what goes
// one way meanwhile helps neither.
func (c contest) run(ctx context.Context, r *rig, o options) (contestResult, error) {
	all := []racer{c.ours}
	for _, rival := range c.rivals {
		all = append(all, rival.racer)
	}
	laps := make([][]lap, len(all)) // ours first
	for round := range o.rounds {
		for turn := range all {
			i := turn
			if round%2 == 1 {
				i = len(all) - 1 - turn
			}
			l, err := all[i].turn(ctx, o.span)
			if err != nil {
				return contestResult{}, err
			}
			laps[i] = append(laps[i], l)
		}
		said := fmt.Sprintf("%s %.0f/s", c.ours.name, laps[0][round].Rate)
		for i, rival := range c.rivals {
			theirs := laps[i+1][round].Rate
			said += fmt.Sprintf(", %s %.0f/s (%.2f)", rival.name, theirs, laps[0][round].Rate/theirs)
		}
		progress("%s round %d of %d: %s", c.name, round+1, o.rounds, said)
	}
	ours, theirs := laps[0], laps[1:]
	if o.profiles != "" {
		if err := r.profile(ctx, c, o); err != nil {
			return contestResult{}, err
		}
	}
	result := contestResult{Name: c.name, Ours: c.ours.name, Lap: middle(ours)}
	for i, rival := range c.rivals {
		beside := func(f func(ours, theirs lap) float64) float64 {
			values := make([]float64, o.rounds)
			for round := range values {
				values[round] = f(ours[round], theirs[i][round])
			}
			return median(values)
		}
		result.Rivals = append(result.Rivals, rivalResult{
			Name: rival.name, Lap: middle(theirs[i]), Target: rival.target, Must: rival.must, CPUTarget: rival.cpu,
			Ratio:    beside(func(ours, theirs lap) float64 { return ratio(ours.Rate, theirs.Rate) }),
			CPURatio: beside(func(ours, theirs lap) float64 { return ratio(ours.cpu(), theirs.cpu()) }),
			CPUMore:  beside(func(ours, theirs lap) float64 { return ours.cpu() - theirs.cpu() }),
			P99Ratio: beside(func(ours, theirs lap) float64 { return ratio(ours.P99, theirs.P99) }),
		})
	}
	return result, nil
}

// ratio is 0 where one of the two is not known.
func ratio(ours, theirs float64) float64 {
	if theirs == 0 {
		return 0
	}
	return ours / theirs
}

// middle is the lap of medians.
func middle(laps []lap) lap {
	of := func(field func(lap) float64) float64 {
		values := make([]float64, len(laps))
		for i, l := range laps {
			values[i] = field(l)
		}
		return median(values)
	}
	return lap{
		Rate: of(func(l lap) float64 { return l.Rate }), P50: of(func(l lap) float64 { return l.P50 }), P99: of(func(l lap) float64 { return l.P99 }),
		Server: of(func(l lap) float64 { return l.Server }), Postgres: of(func(l lap) float64 { return l.Postgres }),
	}
}

// quantile is the smallest of the values that a share of them does not exceed.
func quantile(values []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, int(math.Ceil(share*float64(len(sorted))))-1)]
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
