package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"atelier/test/services"
)

const (
	fanWaiting     = 64  // messages on their way
	stalledWaiting = 8   // where the question is how long they take
	stalledReaders = 10  // of the audience
	rawShare       = 0.8 // of the rate of raw writes
	deliveryCPU    = 1.2 // µs
	stalledTarget  = 1.2 // times the p99 without
)

// channel is the event channel of a project: what is published is said to it, or
// renames it.
func (s *site) channel(project string) venue {
	return venue{
		door: door{address: s.server.address, path: "/api/v1/realtime", protocol: "atelier.v1+json", token: s.reader.token},
		greet: [][2]string{
			{`{"id":1,"op":"hello","client":"bench"}`, `"hello"`},
			{fmt.Sprintf(`{"id":2,"op":"sub","project":%q}`, project), `"sub"`},
		},
		meter: s.meter(),
	}
}

// broadcasts are said to a project and not kept.
func (s *site) broadcasts(project string) venue {
	v := s.channel(project)
	v.deaf = true
	v.publish = func(_ int, text string) string {
		return fmt.Sprintf(`{"op":"broadcast","p":%q,"d":{"m":%q}}`, project, text)
	}
	return v
}

// changes are committed, and told as events.
func (s *site) changes(project string) venue {
	v := s.channel(project)
	made := 0 // in all laps: a key makes a command once
	v.publish = func(_ int, text string) string {
		made++
		return fmt.Sprintf(`{"op":"cmd","p":%q,"key":"bench-%d","type":"project.update","d":{"description":%q}}`, project, made, text)
	}
	return v
}

// fanout measures what it costs to bring what happens in a project to a thousand
// sockets on one node, beside the same of a server that does nothing else, and beside
// the library that many would take.
func (r *rig) fanout(ctx context.Context, o options) (found findings, err error) {
	s, err := r.open(ctx, "fanout")
	if err != nil {
		return found, err
	}
	defer s.server.stop()
	if err := s.populate(ctx, 1, ""); err != nil {
		return found, err
	}
	raw, centrifuge, err := r.fanRivals(ctx)
	if err != nil {
		return found, err
	}
	for _, c := range []struct {
		name, about string
		of          func(project string) venue
	}{{"broadcast", "what a socket says", s.broadcasts}, {"event", "committed changes", s.changes}} {
		if err := s.signIn(); err != nil {
			return found, err
		}
		result, err := contest{
			name: "live/fanout/" + c.name, about: c.about, program: s.server, ours: c.of(s.owns[0]).fanout("Atelier", listeners, 0, fanWaiting),
			rivals: []rival{
				{raw.fanout(fmt.Sprintf("raw writes of %d frames", together), listeners, 0, fanWaiting), rawShare, 0, 0},
				{centrifuge.fanout("centrifuge 0.40.1", listeners, 0, fanWaiting), 1, 0, 1},
			},
		}.run(ctx, r, o)
		if err != nil {
			return found, err
		}
		found.contests = append(found.contests, result)
		found.figures = append(found.figures, figure{Name: c.name + ", CPU of the program for each delivery", Value: result.Lap.Server, Unit: "µs", Target: upTo(deliveryCPU)})
	}
	return found, nil
}

// fanRivals are the servers beside ours, each on a process of its own.
func (r *rig) fanRivals(ctx context.Context) (raw, centrifuge venue, err error) {
	self, err := os.Executable()
	if err != nil {
		return raw, centrifuge, err
	}
	library := filepath.Join(r.dir, "centrifuge")
	if err := compile(ctx, "bench/centrifuge", library, "."); err != nil {
		return raw, centrifuge, err
	}
	for _, one := range []struct {
		program   string
		arguments []string
		path      string
		into      *venue
	}{{self, []string{"raw"}, "/", &raw}, {library, nil, "/connection/websocket", &centrifuge}} {
		address, err := services.Address()
		if err != nil {
			return raw, centrifuge, err
		}
		c, err := r.start(ctx, address, "/", nil, one.program, append(one.arguments, address)...)
		if err != nil {
			return raw, centrifuge, err
		}
		*one.into = venue{door: door{address: address, path: one.path}, meter: &meter{program: c.pids()}}
	}
	id := number(1)
	raw.publish = func(_ int, text string) string {
		return fmt.Sprintf(`{"ev":"broadcast","p":%q,"by":%q,"d":{"m":%q}}`, id, id, text)
	}
	centrifuge.greet = [][2]string{{`{"id":1,"connect":{}}`, `"connect"`}, {`{"id":2,"subscribe":{"channel":"project"}}`, `"subscribe"`}}
	centrifuge.publish = func(n int, text string) string {
		return fmt.Sprintf(`{"id":%d,"publish":{"channel":"project","data":{"m":%q}}}`, n+3, text)
	}
	return raw, centrifuge, nil
}

// stalled measures whether those who read wait for those who do not.
func (r *rig) stalled(ctx context.Context, o options) (found findings, err error) {
	s, err := r.open(ctx, "stalled")
	if err != nil {
		return found, err
	}
	defer s.server.stop()
	if err := s.populate(ctx, 1, ""); err != nil {
		return found, err
	}
	v := s.broadcasts(s.owns[0])
	v.late = [][2]string{{fmt.Sprintf(`{"id":3,"op":"sub","project":%q}`, s.owns[1]), `"sub"`}}
	v.choke = func() error { return s.choke(s.owns[1]) }
	result, err := contest{
		name: "live/stalled", about: "what a socket says, to those who read", program: s.server,
		ours:   v.fanout(fmt.Sprintf("%d of %d do not read", stalledReaders, listeners), listeners, stalledReaders, stalledWaiting),
		rivals: []rival{{v.fanout("all read", listeners-stalledReaders, 0, stalledWaiting), 0, 0, 0}},
	}.run(ctx, r, o)
	if err != nil {
		return found, err
	}
	found.contests = append(found.contests, result)
	found.figures = append(found.figures, figure{
		Name: fmt.Sprintf("p99 of those who read with %d who do not, times that without", stalledReaders), Value: result.Rivals[0].P99Ratio, Target: upTo(stalledTarget),
	})
	return found, nil
}

const (
	chokers    = 4      // sockets that say something large
	chokeTimes = 90     // each, so many times: as often as a socket may at once
	chokeSize  = 16_000 // bytes
)

// choke says more to a project than the kernel and the program keep for who does not
// read: some MiB.
func (s *site) choke(project string) error {
	say := fmt.Sprintf(`{"op":"broadcast","p":%q,"d":{"m":%q}}`, project, strings.Repeat("much ", chokeSize/5))
	for range chokers {
		v := s.channel(project)
		v.buffer = bigBuffer
		line, err := v.greeted(v.greet)
		if err != nil {
			return err
		}
		defer line.conn.Close()
		for range chokeTimes {
			if err := line.say(say); err != nil {
				return err
			}
		}
		if err := line.ask(`{"id":3,"op":"unsub","p":"`+project+`"}`, `"re":3`); err != nil {
			return err
		}
	}
	return nil
}
