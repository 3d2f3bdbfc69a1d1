// Command bench measures the built program against what its users would
// otherwise have: Postgres alone (pgbench, one transaction a request) and a bare
// Fiber. All contestants take turns in one run on one private Postgres with
// fsync on, so that the ratios hold where absolute figures drift. Then it measures
// what the service around them costs: events out to a RabbitMQ, sign-ins beside
// other work, limits, traces and the audit, each with and without in turns. And it
// measures clusters: what a hop between nodes costs, and what clients see when nodes
// fail, join and leave.
//
//	make bench
//	go run ./bench -list
//	go run ./test/services/cmd/services go run ./bench -short -cases 'create/64|read'
//	go run ./bench -cases 'outbox|cost' -profiles /tmp/profiles
//	go run ./bench -cases cluster
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	cases    *regexp.Regexp
	rounds   int
	span     span
	entities int
	kills    int
	movers   int
	binary   string
	profiles string
	trace    string
	json     string
	list     bool
}

func readOptions() options {
	var o options
	cases := flag.String("cases", "", "regular expression of the cases to run; all by default")
	short := flag.Bool("short", false, "a quick look: one short round, fewer entities")
	flag.IntVar(&o.rounds, "rounds", 3, "turns that each contestant takes")
	flag.DurationVar(&o.span.measured, "time", 4*time.Second, "measured time of one turn")
	flag.DurationVar(&o.span.warm, "warm", time.Second, "time before it that does not count")
	flag.IntVar(&o.entities, "entities", 100_000, "idle entities to weigh, live ones to move between nodes")
	flag.IntVar(&o.kills, "kills", 50, "nodes of a cluster to kill")
	flag.IntVar(&o.movers, "movers", 1000, "users who move in one project, at most the members that the bench makes")
	flag.StringVar(&o.binary, "binary", "", "measure this program; by default it is built")
	flag.StringVar(&o.profiles, "profiles", "", "directory for profiles of the program: CPU for each case, the heap of the idle entities")
	flag.StringVar(&o.trace, "trace", "", "an editing trace for documents/trace; by default one of the same shape is made")
	flag.StringVar(&o.json, "json", "", "also write the results to this file")
	flag.BoolVar(&o.list, "list", false, "list the cases and end")
	flag.Parse()
	if *short {
		for name, value := range map[string]string{"rounds": "1", "time": "1s", "warm": "300ms", "entities": "5000", "kills": "6", "movers": "200"} {
			if !given(name) {
				_ = flag.Set(name, value)
			}
		}
	}
	o.cases = regexp.MustCompile(*cases)
	return o
}

// given reports whether a flag is on the command line.
func given(name string) (yes bool) {
	flag.Visit(func(f *flag.Flag) { yes = yes || f.Name == name })
	return yes
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "echo" {
		fail(serveEcho(os.Args[2]))
		return
	}
	if len(os.Args) == 3 && os.Args[1] == "raw" {
		fail(serveRaw(os.Args[2]))
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fail(run(ctx, readOptions()))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.list {
		list(os.Stdout)
		return nil
	}
	rig, err := newRig(ctx, o)
	if err != nil {
		return err
	}
	defer rig.close()
	report := report{Machine: machineFacts(ctx, rig.postgres), Rounds: o.rounds, Seconds: o.span.measured.Seconds()}
	report.Machine.print(os.Stdout)
	if err := errors.Join(rig.compete(ctx, o, &report), rig.try(ctx, o, duties(rig), &report, &report.Service),
		rig.try(ctx, o, clusters(rig), &report, &report.Cluster)); err != nil {
		return err
	}
	report.print(os.Stdout)
	return errors.Join(report.save(o.json), report.failure())
}

// list names the cases and says what they are.
func list(w io.Writer) {
	line := func(name, about string) { fmt.Fprintf(w, "%-20s %s\n", name, about) }
	for _, c := range contests(&rig{}) {
		line(c.name, c.about)
	}
	line(footprintCase, "start-up time, memory at rest, while log-ins saturate and of idle entities, size of the binary")
	for _, t := range slices.Concat(duties(&rig{}), clusters(&rig{})) {
		line(t.name, t.about)
	}
}

// compete runs the contests and weighs the program.
func (r *rig) compete(ctx context.Context, o options, into *report) (err error) {
	weigh := o.cases.MatchString(footprintCase)
	chosen := slices.DeleteFunc(contests(r), func(c contest) bool { return !o.cases.MatchString(c.name) })
	if len(chosen) == 0 && !weigh {
		return nil
	}
	if err := r.furnish(ctx); err != nil {
		return err
	}
	defer r.server.stop() // each contestant is alone with Postgres
	for _, c := range chosen {
		result, err := c.run(ctx, r, o)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		into.Contests = append(into.Contests, result)
	}
	if weigh {
		if into.Footprint, err = r.footprint(ctx, o); err != nil {
			return fmt.Errorf("%s: %w", footprintCase, err)
		}
	}
	return nil
}

// try runs trials, and adds what they find to figures.
func (r *rig) try(ctx context.Context, o options, all []trial, into *report, figures *[]figure) error {
	for _, t := range all {
		if !o.cases.MatchString(t.name) {
			continue
		}
		progress("%s: %s", t.name, t.about)
		found, err := t.run(ctx, o)
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		into.Contests = append(into.Contests, found.contests...)
		for _, f := range found.figures {
			f.Name = strings.TrimPrefix(t.name, "cluster/") + ": " + f.Name
			*figures = append(*figures, f)
		}
	}
	return nil
}

// save writes the report as JSON, where a file is named.
func (r report) save(file string) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// progress says what is going on, while it goes on.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...) }
