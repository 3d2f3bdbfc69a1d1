// Command mutations shows that the fault scenarios can fail: it builds the
// program with one safeguard taken out at a time and runs the scenario that must
// notice. It ends with 1 where one does not.
//
//	mutations [name …]
package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"atelier/test/rig"
)

// mutation is a build tag and the scenario that must turn red under it.
type mutation struct {
	tag      string
	scenario string // of test/faults, or of the suite that stands before a point
	without  string // what is taken out
}

var mutations = []mutation{
	{"nofence", "TestTwoProcessesShareProjects", "commits ask for neither epoch nor version"},
	{"nofence", "TestLimitsHoldAcrossProcesses", "commits ask for neither epoch nor version"},
	{"tornclaim", "TestTwoProcessesShareProjects", "a claim loads before it has the row"},
	{"nolease", "TestProcessesComeAndGo", "what was claimed is shown from memory whatever the lease"},
	{"nodedup", "TestRetryStorms", "command ids are neither stored nor looked up"},
	{"nodedup", "TestRetryStormsInACluster", "command ids are neither stored nor looked up"},
	{"nograce", "TestParallelRefreshesHaveOneChild", "a refresh token presented again is stolen at once"},
	{"earlyreply", "TestKilledProgramLosesNothing/postgres", "answers leave before the commit"},
	{"earlyreply", "TestKilledProgramLosesNothing/embedded", "answers leave before the commit"},
	{"nofence", "TestClusterSurvivesCuts", "commits ask for neither epoch nor version"},
	{"nolease", "TestClusterSurvivesFreezes", "what was claimed is shown from memory whatever the lease"},
	{"nolease", "TestClusterSurvivesCuts", "what was claimed is shown from memory whatever the lease"},
	{"nobarrier", "TestRevocationHoldsOnEveryNode", "revocations stay on the node that decided them"},
	{"nobarrier", "TestRevocationHoldsAcrossCuts", "revocations stay on the node that decided them"},
	{"nobarrier", "TestRevocationHoldsWhereANodeHung", "revocations stay on the node that decided them"},
	{"nolease", "TestRevocationHoldsAcrossCuts", "what was claimed is shown from memory whatever the lease"},
	{"nobarrier", "TestRevocationHoldsOnSockets", "revocations stay on the node that decided them"},
	{"deafsockets", "TestRevocationHoldsOnSockets", "revocations do not reach open sockets"},
	{"noconfirm", "TestEventsSurviveTheBroker", "events count as sent before the broker has confirmed them"},
	{"replicareads", "TestReadsSurviveTheReplica", "replicas are asked whatever they have replayed"},
	{"cachedrole", "TestCachesTellNothingOld", "whose projects are which is remembered"},
	{"nogap", "TestWatchersSurviveTheCluster", "what is missing between pushes is not read from the log"},
	{"earlyack", "yjs.TestKillsLoseNoUpdate", "updates are acknowledged before they are written"},
	{"lazycommit", "TestKilledPostgresLosesNothing", "commits are reported before they are on disk"},
}

// shows is what the finding must be, where not any counts: without the lease, what was
// looked up or refused from memory is old, by the history or after it was revoked.
var shows = map[string]*regexp.Regexp{"nolease": regexp.MustCompile(`not linearizable .* has no place| granted GET `)}

// patience is how long one scenario may take.
const patience = 5 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	green, err := run(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutations:", err)
	}
	if err != nil || green > 0 {
		stop()
		os.Exit(1)
	}
}

// run runs the mutations of these names, or all, and counts those that nothing
// was found of.
func run(ctx context.Context, names []string) (green int, err error) {
	began := time.Now()
	dir, err := os.MkdirTemp("", fmt.Sprintf("atelier-mutations-%d-", os.Getpid()))
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if out, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", dir, "atelier/test/faults", "atelier/test/yjs").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("the scenarios cannot be built: %w\n%s", err, out)
	}
	fmt.Printf("%-12s %-39s %-6s %7s  %s\n", "mutation", "scenario", "result", "time", "first finding")
	total := 0
	for _, m := range mutations {
		if len(names) > 0 && !slices.Contains(names, m.tag) {
			continue
		}
		total++
		found, took, err := m.run(ctx, dir)
		result := "red"
		switch {
		case err != nil:
			return green, err
		case found == "":
			green++
			result, found = "GREEN", "nothing that counts, though "+m.without
		}
		fmt.Printf("%-12s %-39s %-6s %5.0f s  %s\n", m.tag, m.scenario, result, took.Seconds(), found)
	}
	fmt.Printf("%d of %d red, after %.0f s\n", total-green, total, time.Since(began).Seconds())
	return green, nil
}

// run builds the mutation, where that was not done, and runs its scenario. Only
// a finding makes it red: not a run that failed otherwise.
func (m mutation) run(ctx context.Context, dir string) (found string, took time.Duration, err error) {
	program := filepath.Join(dir, m.tag)
	if _, err := os.Stat(program); err != nil {
		if err := rig.Build(program, m.tag); err != nil {
			return "", 0, err
		}
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	suite, scenario, other := strings.Cut(m.scenario, ".")
	if !other {
		suite, scenario = "faults", m.scenario
	}
	pattern := "^" + strings.ReplaceAll(scenario, "/", "$/^") + "$"
	cmd := exec.CommandContext(ctx, filepath.Join(dir, suite+".test"), "-test.run", pattern, "-test.v")
	cmd.Dir = filepath.Join("test", suite) // where Go would run it
	cmd.Env = append(os.Environ(), rig.BinaryVariable+"="+program, rig.KeepVariable+"="+dir)
	out, err := cmd.CombinedOutput()
	found = finding(out, shows[m.tag])
	if err != nil && finding(out, nil) == "" {
		return "", 0, fmt.Errorf("%s, %s: the scenario failed without a finding: %w\n%s", m.tag, m.scenario, err, out)
	}
	return found, time.Since(began), nil
}

// finding is the first finding that counts in a scenario's output, cut to a line.
func finding(out []byte, counts *regexp.Regexp) string {
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if _, found, ok := strings.Cut(lines.Text(), " found: "); ok && (counts == nil || counts.MatchString(found)) {
			if text := []rune(found); len(text) > 200 {
				found = string(text[:200]) + "…"
			}
			return found
		}
	}
	return ""
}
