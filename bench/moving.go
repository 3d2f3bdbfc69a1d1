package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	movesEach    = 10      // a second, of each user
	linearTarget = 1.2     // times the CPU of a move in a project with a quarter of the users
	calmTarget   = 2       // times the p99 of commands when nobody moves
	wholeBuffer  = 1 << 20 // of an ear: who is there may be told in one large frame
	pauseRename  = 10 * time.Millisecond
	signers      = 4
)

// moving measures what it costs that all who are in a project say where they are, ten
// times a second each, and whether commands of the project wait for that. What reaches
// a user is one state of each other, the last one, as often as the program tells it:
// moves grow with the users, and what is told of them faster.
func (r *rig) moving(ctx context.Context, o options) (found findings, err error) {
	s, err := r.open(ctx, "moving")
	if err != nil {
		return found, err
	}
	defer s.server.stop()
	if err := s.populate(ctx, 1, `,"settings":{"max_collaborators":2000}`); err != nil {
		return found, err
	}
	d := &dance{site: s, project: s.owns[0]}
	if err := d.invite(ctx, r, o.movers); err != nil {
		return found, err
	}
	sizes := []int{o.movers / 4, o.movers / 2, o.movers}
	laps := make([][]moved, len(sizes)+1) // the last: nobody moves
	for round := range o.rounds {
		for i := range laps {
			n, moves := sizes[min(i, len(sizes)-1)], i < len(sizes)
			lap, err := d.lap(ctx, o.span, n, moves)
			if err != nil {
				return found, fmt.Errorf("%d users: %w", n, err)
			}
			progress("live/presence round %d: %d users, %.0f moves/s, %.0f states/s told, %.2f µs a move, %d renames", round+1, n, lap.moves, lap.told, lap.cpu, len(lap.renamed))
			laps[i] = append(laps[i], lap)
		}
	}
	if o.profiles != "" {
		kept := make(chan error, 1)
		go func() {
			kept <- s.server.keep(o.profiles, "live-presence", fmt.Sprintf("profile?seconds=%d", int(o.span.measured.Seconds())))
		}()
		_, err := d.lap(ctx, o.span, o.movers, true)
		if err := errors.Join(err, <-kept); err != nil {
			return found, err
		}
	}
	of := func(i int, f func(moved) float64) float64 {
		var all []float64
		for _, lap := range laps[i] {
			all = append(all, f(lap))
		}
		return median(all)
	}
	cpu := func(m moved) float64 { return m.cpu }
	for i, n := range sizes {
		found.figures = append(found.figures,
			figure{Name: fmt.Sprintf("%d users: moves", n), Value: of(i, func(m moved) float64 { return m.moves }), Unit: "/s"},
			figure{Name: "CPU of the program for each", Value: of(i, cpu), Unit: "µs"},
			figure{Name: "states told", Value: of(i, func(m moved) float64 { return m.told }), Unit: "/s"},
			figure{Name: "a move is seen by others after, median", Value: of(i, func(m moved) float64 { return m.p50 }), Unit: "ms"},
		)
	}
	last := len(sizes) - 1
	p99 := func(m moved) float64 { return quantile(m.renamed, 0.99) }
	found.figures = append(found.figures,
		figure{Name: fmt.Sprintf("CPU of a move with %d users, times that with %d", sizes[last], sizes[0]), Value: of(last, cpu) / of(0, cpu), Target: upTo(linearTarget)},
		figure{Name: "p99 of renaming the project while nobody moves", Value: of(last+1, p99), Unit: "ms"},
		figure{Name: "times that while all move", Value: of(last, p99) / of(last+1, p99), Target: upTo(calmTarget)},
	)
	return found, nil
}

// dance is a project with members who move.
type dance struct {
	*site
	project string
	dancers []*person
}

// moved is what happened in a lap.
type moved struct {
	moves, told float64 // a second
	cpu         float64 // µs of a move
	p50         float64 // ms
	renamed     []float64
}

// invite gives members of the database a passphrase, lets them sign in and into the
// project.
func (d *dance) invite(ctx context.Context, r *rig, n int) error {
	if err := r.seed(ctx, d.ours, `UPDATE users SET email_typed = email, password_hash = (SELECT password_hash FROM users WHERE id = $1) WHERE email LIKE 'member%'`, d.reader.id); err != nil {
		return err
	}
	progress("live/presence: %d members sign in", n)
	for i := range n {
		d.dancers = append(d.dancers, &person{id: number(i + 1), email: fmt.Sprintf("member%d@example.com", i+1)})
	}
	return spread(n, signers, func(i int) error {
		return errors.Join(d.server.signIn(d.dancers[i]),
			d.server.ask("POST", "/api/v1/projects/"+d.project+"/collaborators", d.reader.token, fmt.Sprintf(`{"user_id":%q,"role":"editor"}`, d.dancers[i].id), &rawBody{}))
	})
}

// floor is what the sockets of a lap share.
type floor struct {
	*ears
	lines []*socket
	told  atomic.Int64
}

func (d *dance) lap(ctx context.Context, s span, n int, moves bool) (m moved, err error) {
	f := &floor{lines: make([]*socket, n), ears: newEars(n)}
	ctx, cancel := context.WithCancel(ctx)
	var working sync.WaitGroup
	end := func() {
		cancel()
		hangUp(f.lines)
		working.Wait()
	}
	defer end()
	if err := d.enter(f); err != nil {
		return m, err
	}
	failed := make(chan error, n+2)
	work := func(do func() error) {
		working.Go(func() {
			if err := do(); err != nil && ctx.Err() == nil && !errors.Is(err, net.ErrClosed) {
				failed <- err
			}
		})
	}
	for i := range f.lines {
		work(func() error { return f.see(i) })
	}
	var made atomic.Int64
	if moves {
		work(func() error { return d.move(ctx, f, &made) })
	}
	work(func() error { return d.rename(ctx, f, &m.renamed) })
	meter := d.meter()
	var before, movedBefore int64
	err = metered(ctx, time.Now().Add(s.warm), time.Now().Add(s.warm+s.measured), func() error {
		if !f.measuring.Swap(!f.measuring.Load()) {
			before, movedBefore = f.told.Load(), made.Load()
		} else {
			m.told, m.moves = float64(f.told.Load()-before)/s.measured.Seconds(), float64(made.Load()-movedBefore)/s.measured.Seconds()
		}
		return meter.read()
	})
	end()
	select {
	case failure := <-failed:
		return m, failure
	default:
	}
	if moves {
		m.cpu = meter.spent[0].Seconds() * 1e6 / (m.moves * s.measured.Seconds())
	}
	m.p50 = quantile(f.took(), 0.5)
	return m, err
}

// enter opens the sockets.
func (d *dance) enter(f *floor) error {
	return spread(len(f.lines), opening, func(i int) (err error) {
		v := d.channel(d.project)
		v.token, v.buffer = d.dancers[i].token, bigBuffer
		if i%earEvery == 0 {
			v.buffer = wholeBuffer
		}
		f.lines[i], err = v.greeted(v.greet)
		return err
	})
}

// see counts the states that a socket is told.
func (f *floor) see(i int) error {
	return f.lines[i].read(func(piece []byte, whole bool) {
		f.told.Add(int64(bytes.Count(piece, []byte{mark})))
		f.hear(i, piece, whole)
	})
}

// move has one user after the other say where he is. Who is late says it at once.
func (d *dance) move(ctx context.Context, f *floor, made *atomic.Int64) error {
	every := time.Second / time.Duration(movesEach*len(f.lines))
	began := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		time.Sleep(time.Until(began.Add(time.Duration(n) * every)))
		f.sends(n)
		text := fmt.Sprintf(`{"op":"presence","p":%q,"set":{"c":%q,"x":%d,"y":%d}}`, d.project, tagged(n), n%1920, n%1080)
		if err := f.lines[n%len(f.lines)].say(text); err != nil {
			return err
		}
		made.Add(1)
	}
	return nil
}

// rename changes the project's name over and over.
func (d *dance) rename(ctx context.Context, f *floor, took *[]float64) error {
	for n := 0; ctx.Err() == nil; n++ {
		asked := time.Now()
		if err := d.server.ask("PATCH", "/api/v1/projects/"+d.project, d.reader.token, fmt.Sprintf(`{"name":"name %d"}`, n), &rawBody{}); err != nil {
			return err
		}
		if f.measuring.Load() {
			*took = append(*took, time.Since(asked).Seconds()*1e3)
		}
		time.Sleep(pauseRename)
	}
	return nil
}
