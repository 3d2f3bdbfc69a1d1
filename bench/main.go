// Command bench measures the built program against what its users would
// otherwise have: Postgres alone (pgbench, one transaction a request) and a bare
// Fiber. All contestants take turns in one run on one private Postgres with
// fsync on, so that the ratios hold where absolute figures drift.
//
//	make bench
//	go run ./test/services/cmd/services go run ./bench -short -cases 'create/64|read'
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	cases    *regexp.Regexp
	rounds   int
	span     span
	entities int
	binary   string
	profiles string
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
	flag.IntVar(&o.entities, "entities", 100_000, "idle entities to weigh")
	flag.StringVar(&o.binary, "binary", "", "measure this program; by default it is built")
	flag.StringVar(&o.profiles, "profiles", "", "directory for profiles of the program: CPU for each case, the heap of the idle entities")
	flag.StringVar(&o.json, "json", "", "also write the results to this file")
	flag.BoolVar(&o.list, "list", false, "list the cases and end")
	flag.Parse()
	if *short {
		for name, value := range map[string]string{"rounds": "1", "time": "1s", "warm": "300ms", "entities": "5000"} {
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
		for _, c := range contests(&rig{}) {
			fmt.Printf("%-14s %s\n", c.name, c.about)
		}
		fmt.Printf("%-14s %s\n", footprintCase, "start-up time, idle memory, size of the binary, memory of idle entities")
		return nil
	}
	rig, err := newRig(ctx, o)
	if err != nil {
		return err
	}
	defer rig.close()
	report := report{Machine: machineFacts(ctx, rig.postgres), Rounds: o.rounds, Seconds: o.span.measured.Seconds()}
	report.Machine.print(os.Stdout)
	for _, c := range contests(rig) {
		if !o.cases.MatchString(c.name) {
			continue
		}
		r, err := c.run(ctx, rig, o)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		report.Contests = append(report.Contests, r)
	}
	if o.cases.MatchString(footprintCase) {
		if report.Footprint, err = rig.footprint(ctx, o); err != nil {
			return fmt.Errorf("%s: %w", footprintCase, err)
		}
	}
	report.print(os.Stdout)
	return errors.Join(report.save(o.json), report.failure())
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
