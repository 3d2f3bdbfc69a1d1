package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// quiet is how long nothing may be said.
const quiet = 20 * time.Second

// event is one of go test's; see go doc test2json.
type event struct {
	Action, Package, Test, Output, FailedBuild string
	Elapsed                                    float64
}

// run is a test that runs, or a package: that has no test.
type run struct {
	pkg, test string
	began     time.Time
	paused    bool // waits for its turn to run in parallel
	parent    bool // has had subtests
	fell      bool // a test of it has failed
	tests     int
	output    strings.Builder
}

func (r *run) name() string { return strings.TrimSpace(r.pkg + " " + r.test) }

// ended is what is kept of a test.
type ended struct {
	name    string
	elapsed float64
	reason  string // why it was skipped
	gist    string // what says why it failed
}

type report struct {
	out                   io.Writer
	began, spoke          time.Time
	running               map[string]*run // by package and test
	packages, passed      int
	failed, skipped, slow []ended
}

func newReport(out io.Writer, now time.Time) *report {
	return &report{out: out, began: now, spoke: now, running: map[string]*run{}}
}

// line takes a line of go test's output.
func (r *report) line(line string, now time.Time) {
	var e event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
		r.say(now, "%s", line)
		return
	}
	if e.Action == "build-output" {
		r.say(now, "%s", e.Output)
	}
	if e.Package == "" {
		return
	}
	_, e.Package, _ = strings.Cut(e.Package, "/")
	key := e.Package + " " + e.Test
	t := r.running[key]
	if t == nil {
		t = &run{pkg: e.Package, test: e.Test, began: now}
		r.running[key] = t
		if above := r.above(t); above != nil {
			above.parent = true
		}
	}
	switch e.Action {
	case "pause":
		t.paused = true
	case "cont":
		t.paused, t.began = false, now
	case "output":
		t.output.WriteString(e.Output)
	case "pass", "fail", "skip":
		delete(r.running, key)
		if e.Test == "" {
			r.packageEnded(t, e, now)
		} else {
			r.testEnded(t, e, now)
		}
	}
}

// above is the test of which t is a subtest, if any.
func (r *report) above(t *run) *run {
	i := strings.LastIndexByte(t.test, '/')
	if i < 0 {
		return nil
	}
	return r.running[t.pkg+" "+t.test[:i]]
}

// testEnded counts a test, unless it is no more than the sum of its subtests.
func (r *report) testEnded(t *run, e event, now time.Time) {
	whole := r.running[t.pkg+" "]
	if !t.parent {
		whole.tests++
	}
	end := ended{name: t.name(), elapsed: e.Elapsed}
	switch e.Action {
	case "pass":
		if !t.parent {
			r.passed++
		}
	case "skip":
		end.reason = strings.TrimSpace(t.said())
		r.skipped = append(r.skipped, end)
	case "fail":
		if !t.fell || t.said() != "" {
			r.fell(now, t, end)
		}
		whole.fell = true
		if above := r.above(t); above != nil {
			above.fell = true
		}
	}
	if !t.parent && e.Elapsed >= 1 {
		r.slow = append(r.slow, end)
	}
}

func (r *report) packageEnded(t *run, e event, now time.Time) {
	r.packages++
	switch {
	case e.Action == "skip": // no tests
	case e.FailedBuild != "":
		r.failed = append(r.failed, ended{name: t.pkg + " does not build"})
		r.say(now, "FAIL  %-40s does not build\n", t.pkg)
	case e.Action == "fail":
		r.unfinished(t, now)
		if !t.fell || t.said() != "" {
			r.fell(now, t, ended{name: t.pkg, elapsed: e.Elapsed})
		}
		r.say(now, "FAIL  %-40s %4d tests %7.1f s\n", t.pkg, t.tests, e.Elapsed)
	case strings.Contains(t.output.String(), "\t(cached)"):
		r.say(now, "ok    %-40s %4d tests   (cached)\n", t.pkg, t.tests)
	default:
		r.say(now, "ok    %-40s %4d tests %7.1f s\n", t.pkg, t.tests, e.Elapsed)
	}
}

// unfinished counts the tests of a package that were running when it died.
func (r *report) unfinished(whole *run, now time.Time) {
	for key, t := range r.running {
		if t.pkg == whole.pkg {
			delete(r.running, key)
			if !t.parent && !t.paused {
				whole.fell = true
				r.fell(now, t, ended{name: t.name() + " (did not end)", elapsed: now.Sub(t.began).Seconds()})
			}
		}
	}
}

// fell tells a failure with what was said.
func (r *report) fell(now time.Time, t *run, end ended) {
	end.gist = t.gist()
	r.failed = append(r.failed, end)
	r.say(now, "\nFAIL  %s (%.1f s)\n%s\n", end.name, end.elapsed, t.said())
}

// gist is the first of what a failure says that looks like its reason: what testify
// says, a finding, a panic or a race. It is said again at the very end, which is all
// that some see of a long run.
func (r *run) gist() string {
	const most = 14
	lines := slices.Collect(strings.Lines(r.said()))
	telling := func(line string) bool {
		return slices.ContainsFunc([]string{"Error Trace:", " found: ", "panic: ", "DATA RACE"}, func(sign string) bool { return strings.Contains(line, sign) })
	}
	if i := slices.IndexFunc(lines, telling); i >= 0 {
		lines = lines[i:]
	} else {
		lines = lines[max(0, len(lines)-most):]
	}
	return strings.Join(lines[:min(len(lines), most)], "")
}

// said is a test's own output, without the lines that go test adds. Of a very
// long one it is the beginning and the end.
func (r *run) said() string {
	const most, first = 400, 100
	var lines []string
	for line := range strings.Lines(r.output.String()) {
		word, _, _ := strings.Cut(strings.TrimLeft(line, " "), " ")
		added := word == "===" || word == "---" || strings.HasPrefix(line, "FAIL\t") || strings.HasPrefix(line, "ok  \t") || line == "FAIL\n" || line == "PASS\n"
		if !added {
			lines = append(lines, "      "+line)
		}
	}
	if n := len(lines); n > most {
		lines = slices.Concat(lines[:first], []string{fmt.Sprintf("      … %d lines …\n", n-most)}, lines[n-most+first:])
	}
	return strings.Join(lines, "")
}

func (r *report) say(now time.Time, format string, args ...any) {
	r.spoke = now
	fmt.Fprintf(r.out, format, args...)
}

// progress says what is running if nothing was said for a while.
func (r *report) progress(now time.Time) {
	if now.Sub(r.spoke) < quiet {
		return
	}
	var running []*run
	for _, t := range r.running {
		if t.test != "" && !t.paused && !t.parent {
			running = append(running, t)
		}
	}
	slices.SortFunc(running, func(a, b *run) int { return a.began.Compare(b.began) })
	names := []string{}
	for _, t := range running[:min(len(running), 4)] {
		names = append(names, fmt.Sprintf("%s (%.0f s)", t.name(), now.Sub(t.began).Seconds()))
	}
	if len(running) > 4 {
		names = append(names, fmt.Sprintf("and %d more", len(running)-4))
	}
	if len(running) == 0 {
		names = append(names, "compiling")
	}
	r.say(now, "  …   %.0f s, %d packages done; now %s\n", now.Sub(r.began).Seconds(), r.packages, strings.Join(names, ", "))
}

// end tells the rest and says whether all is well.
func (r *report) end(now time.Time) bool {
	for _, key := range slices.Sorted(maps.Keys(r.running)) {
		if t := r.running[key]; t != nil && t.test == "" {
			delete(r.running, key)
			r.unfinished(t, now)
			r.failed = append(r.failed, ended{name: t.pkg + " (did not end)"})
		}
	}
	if r.packages == 0 {
		r.failed = append(r.failed, ended{name: "nothing was tested"})
	}
	slices.SortStableFunc(r.slow, func(a, b ended) int { return cmp.Compare(b.elapsed, a.elapsed) })
	r.list("slowest", r.slow[:min(len(r.slow), 10)], func(e ended) string { return fmt.Sprintf("%6.1f s  %s", e.elapsed, e.name) })
	r.list("skipped", r.skipped, func(e ended) string { return e.name + ": " + e.reason })
	r.list("failed", r.failed, func(e ended) string { return strings.TrimSuffix(e.name+"\n"+e.gist, "\n") })
	r.say(now, "%d packages in %.0f s\n", r.packages, now.Sub(r.began).Seconds())
	r.say(now, "%d passed, %d failed, %d skipped\n", r.passed, len(r.failed), len(r.skipped))
	return len(r.failed) == 0
}

func (r *report) list(title string, of []ended, text func(ended) string) {
	for i, e := range of {
		if i == 0 {
			fmt.Fprintf(r.out, "%s:\n", title)
		}
		fmt.Fprintf(r.out, "  %s\n", text(e))
	}
}
