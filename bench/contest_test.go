package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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

func TestATurnInWhichNothingWasDoneIsNone(t *testing.T) {
	t.Parallel()
	_, err := steady("idle", lap{}).turn(t.Context(), span{})
	require.ErrorContains(t, err, "idle: nothing was done")
}
