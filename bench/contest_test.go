package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

func steady(name string, l lap) racer {
	return racer{name, func(context.Context, span) (lap, error) { return l, nil }}
}

func held(t *testing.T, rivals ...rival) report {
	t.Helper()
	result, err := contest{name: "case", ours: steady("ours", lap{Rate: 100, Server: 20, Postgres: 10}), rivals: rivals}.run(t.Context(), &rig{}, options{rounds: 3, cases: regexp.MustCompile("")})
	require.NoError(t, err)
	return report{Contests: []contestResult{result}}
}

// TestCPUThatIsNotKnown: the report is written all the same, without a ratio.
func TestCPUThatIsNotKnown(t *testing.T) {
	t.Parallel()
	r := held(t, rival{racer: steady("unmetered", lap{Rate: 50})})
	require.Zero(t, r.Contests[0].Rivals[0].CPURatio)
	file := filepath.Join(t.TempDir(), "report.json")
	require.NoError(t, r.save(file))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(text), `"Ratio": 2`)
	require.NotContains(t, string(text), "CPURatio")
}

func TestBounds(t *testing.T) {
	t.Parallel()
	theirs := steady("theirs", lap{Rate: 50, Server: 20})
	for _, c := range []struct {
		rival            rival
		verdict, failure string
	}{
		{rival{racer: theirs}, "", ""},
		{rival{racer: theirs, target: 2, must: 1, cpu: 1.5}, "reached", ""},
		{rival{racer: theirs, target: 2.5, must: 2}, "target missed by 20 %", ""},
		{rival{racer: theirs, target: 2, cpu: 1.2}, "target of CPU missed by 25 %", ""},
		{rival{racer: theirs, target: 4, must: 3, cpu: 1}, "FAILED, target of CPU missed by 50 %", "case against theirs: 2.00, and not ≥ 3"},
	} {
		r := held(t, c.rival)
		require.Equal(t, c.verdict, r.Contests[0].Rivals[0].verdict())
		if c.failure == "" {
			require.NoError(t, r.failure())
		} else {
			require.EqualError(t, r.failure(), c.failure)
		}
		var b strings.Builder
		r.print(&b)
		require.Contains(t, b.String(), c.verdict)
	}
}

func TestCostsAndTimesAreHeldSideBySide(t *testing.T) {
	t.Parallel()
	v := held(t, rival{racer: steady("without", lap{Rate: 50, Server: 15, Postgres: 11})}).Contests[0].Rivals[0]
	require.InDelta(t, 4, v.CPUMore, 1e-9)
	require.Zero(t, v.P99Ratio)
	result, err := contest{ours: steady("ours", lap{Rate: 1, P99: 9}), rivals: []rival{{racer: steady("theirs", lap{Rate: 1, P99: 6})}}}.run(t.Context(), &rig{}, options{rounds: 1})
	require.NoError(t, err)
	require.InDelta(t, 1.5, result.Rivals[0].P99Ratio, 1e-9)
}

// TestTurnsAlternate: what goes one way during the rounds helps neither.
func TestTurnsAlternate(t *testing.T) {
	t.Parallel()
	var turns []string
	said := func(name string) racer {
		return racer{name, func(context.Context, span) (lap, error) { turns = append(turns, name); return lap{Rate: 1}, nil }}
	}
	_, err := contest{ours: said("a"), rivals: []rival{{racer: said("b")}, {racer: said("c")}}}.run(t.Context(), &rig{}, options{rounds: 3})
	require.NoError(t, err)
	require.Equal(t, strings.Split("abccbaabc", ""), turns)
}

func TestConditionsOfFigures(t *testing.T) {
	t.Parallel()
	for value, want := range map[float64]string{9: "ok", 11: "missed", 31: "FAILED"} {
		r := report{Service: []figure{{Name: "figure", Value: value, Unit: "µs", Target: upTo(10), Must: upTo(30)}}}
		require.Equal(t, want, r.Service[0].verdict())
		if want == "FAILED" {
			require.EqualError(t, r.failure(), "figure: 31 µs, and not ≤ 30")
		} else {
			require.NoError(t, r.failure())
		}
		var b strings.Builder
		r.print(&b)
		require.Regexp(t, `figure +\d+ µs +≤ 10 +≤ 30 +`+want, b.String())
	}
}

// TestPaceAsksAllThatIsDue: also while an answer is late.
func TestPaceAsksAllThatIsDue(t *testing.T) {
	t.Parallel()
	const lines, rate = 2, 1000
	late := make(chan struct{})
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if asked.Add(1) == 1 {
			<-late
		}
	}))
	t.Cleanup(server.Close)
	until := time.Now().Add(500 * time.Millisecond)
	time.AfterFunc(time.Until(until), func() { close(late) })
	var mu sync.Mutex
	var dues []time.Time
	p := pace{[]string{server.Listener.Addr().String()}, lines, rate, func(int) client {
		return client{next: func(q *fasthttp.Request) { fill(q, "GET", "/", "") }}
	}}
	require.NoError(t, p.run(t.Context(), until, func(due, _ time.Time) {
		mu.Lock()
		defer mu.Unlock()
		dues = append(dues, due)
	}))
	slices.SortFunc(dues, time.Time.Compare)
	require.NotEmpty(t, dues)
	for i, due := range dues {
		require.Equal(t, time.Second/rate*time.Duration(i), due.Sub(dues[0]))
	}
	require.WithinRange(t, dues[len(dues)-1], until.Add(-time.Second/rate), until)
}

func TestProcessesHaveUsedCPU(t *testing.T) {
	t.Parallel()
	for before := treeCPU(os.Getpid()); treeCPU(os.Getpid()) <= before; { // looking takes some
	}
	require.Positive(t, ownCPU(os.Getpid()))
}

func TestATurnInWhichNothingWasDoneIsNone(t *testing.T) {
	t.Parallel()
	_, err := steady("idle", lap{}).turn(t.Context(), span{})
	require.ErrorContains(t, err, "idle: nothing was done")
}
