package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// report is all that was measured, as it is written in JSON.
type report struct {
	Machine   machine
	Rounds    int
	Seconds   float64 // measured time of a turn
	Contests  []contestResult
	Footprint []figure `json:",omitempty"`
	Service   []figure `json:",omitempty"`
	Cluster   []figure `json:",omitempty"`
}

// figure is one measured number beside its target and condition, which are upper
// bounds.
type figure struct {
	Name   string
	Value  float64
	Unit   string
	Target *float64 `json:",omitempty"` // nil: for information
	Must   *float64 `json:",omitempty"` // above it the case has failed; nil: none
	Note   string   `json:",omitempty"`
}

func upTo(target float64) *float64 { return &target }

type contestResult struct {
	Name   string
	Ours   string
	Lap    lap
	Rivals []rivalResult
}

type rivalResult struct {
	Name   string
	Lap    lap
	Ratio  float64 // of our rate to theirs
	Target float64 `json:",omitempty"`
	Must   float64 `json:",omitempty"`

	CPURatio  float64 `json:",omitempty"` // of our CPU a request to theirs; 0 where one is not known
	CPUTarget float64 `json:",omitempty"`
	CPUMore   float64 `json:",omitempty"` // by how much ours is more, µs
	P99Ratio  float64 `json:",omitempty"` // of ours to theirs; 0 where one is not known
}

func (r report) print(w io.Writer) {
	fmt.Fprintf(w, "\nMedians of %d rounds of %.1f s, the contestants of a case in turns. CPU is that of program + Postgres;\nratios are ours to theirs.\n\n", r.Rounds, r.Seconds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(r.Contests) > 0 {
		fmt.Fprintln(t, "case\tcontestant\tper second\tp50 ms\tp99 ms\tCPU µs each\tratio\ttarget\tcondition\tCPU ratio\ttarget\t")
	}
	for _, c := range r.Contests {
		fmt.Fprintf(t, "%s\t%s\t%.0f\t%s\t%s\t%s\t\t\t\t\t\t\n", c.Name, c.Ours, c.Lap.Rate, known(c.Lap.P50), known(c.Lap.P99), cpuText(c.Lap))
		for _, v := range c.Rivals {
			fmt.Fprintf(t, "\t%s\t%.0f\t%s\t%s\t%s\t%.2f\t%s\t%s\t%s\t%s\t%s\n", v.Name, v.Lap.Rate, known(v.Lap.P50), known(v.Lap.P99), cpuText(v.Lap), v.Ratio,
				bound("≥", v.Target), bound("≥", v.Must), known(v.CPURatio), bound("≤", v.CPUTarget), v.verdict())
		}
	}
	t.Flush()
	printFigures(t, "footprint", r.Footprint)
	printFigures(t, "service", r.Service)
	printFigures(t, "cluster", r.Cluster)
}

func printFigures(t *tabwriter.Writer, heading string, figures []figure) {
	if len(figures) > 0 {
		fmt.Fprintf(t, "\n%s\t\ttarget\tcondition\t\n", heading)
	}
	for _, f := range figures {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", f.Name, f.text(), atMost(f.Target), atMost(f.Must), cmp.Or(f.Note, f.verdict()))
	}
	t.Flush()
}

func (f figure) text() string {
	if f.Value == 0 && f.Note != "" {
		return "" // it could not be measured
	}
	decimals := 1
	if math.Abs(f.Value) < 2 {
		decimals = 2
	}
	if math.Abs(f.Value) >= 1000 || f.Value == math.Trunc(f.Value) {
		decimals = 0
	}
	return strings.TrimSpace(fmt.Sprintf("%.*f %s", decimals, f.Value, f.Unit))
}

func atMost(limit *float64) string {
	if limit == nil {
		return ""
	}
	return fmt.Sprintf("≤ %g", *limit)
}

func (f figure) verdict() string {
	switch {
	case f.failed():
		return "FAILED"
	case f.Target == nil:
		return ""
	case f.Value > *f.Target:
		return "missed"
	default:
		return "ok"
	}
}

func (f figure) failed() bool { return f.Must != nil && f.Value > *f.Must }

// verdict is how the ratios stand to their bounds.
func (v rivalResult) verdict() string {
	var said []string
	switch {
	case v.failed():
		said = append(said, "FAILED")
	case v.Target > 0 && v.Ratio < v.Target:
		said = append(said, fmt.Sprintf("target missed by %.0f %%", 100*(1-v.Ratio/v.Target)))
	}
	if v.CPUTarget > 0 && v.CPURatio > v.CPUTarget {
		said = append(said, fmt.Sprintf("target of CPU missed by %.0f %%", 100*(v.CPURatio/v.CPUTarget-1)))
	}
	if len(said) == 0 && v.Target > 0 {
		return "reached"
	}
	return strings.Join(said, ", ")
}

func (v rivalResult) failed() bool { return v.Must > 0 && v.Ratio < v.Must }

// failure is an error that names the conditions that were not met; nil: none.
func (r report) failure() error {
	var failed []error
	for _, c := range r.Contests {
		for _, v := range c.Rivals {
			if v.failed() {
				failed = append(failed, fmt.Errorf("%s against %s: %.2f, and not ≥ %g", c.Name, v.Name, v.Ratio, v.Must))
			}
		}
	}
	for _, f := range slices.Concat(r.Footprint, r.Service, r.Cluster) {
		if f.failed() {
			failed = append(failed, fmt.Errorf("%s: %s, and not ≤ %g", f.Name, f.text(), *f.Must))
		}
	}
	return errors.Join(failed...)
}

func bound(sign string, f float64) string {
	if f == 0 {
		return ""
	}
	return fmt.Sprintf("%s %g", sign, f)
}

func known(f float64) string {
	if f == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", f)
}

// micros tells deliveries apart, of which one takes next to nothing.
func micros(us float64) string {
	if us < 10 {
		return fmt.Sprintf("%.2f", us)
	}
	return fmt.Sprintf("%.0f", us)
}

func cpuText(l lap) string {
	switch {
	case l.Server > 0 && l.Postgres > 0:
		return micros(l.Server) + " + " + micros(l.Postgres)
	case l.cpu() > 0:
		return micros(l.cpu())
	}
	return ""
}
