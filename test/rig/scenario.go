package rig

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// Variables of a run. The seed makes the same choices again; not the same
// interleaving, which is the machine's.
const (
	SeedVariable = "ATELIER_RIG_SEED"
	KeepVariable = "ATELIER_RIG_KEEP" // directory for what failed scenarios leave; the system's for temporary files by default

	// ShareVariable is a share of the long form's sizes, such as 0.01, for a look
	// whether it runs.
	ShareVariable = "ATELIER_RIG_SHARE"
)

// Scenario is one run of one test.
type Scenario struct {
	testing.TB
	Seed uint64
	Dir  string // of everything that the run leaves

	Outage bool // the database goes away in it: nodes may log errors

	findings atomic.Int64
	tally    *tally
}

// Long is a size of the long form, or the share of it that was asked for.
func Long(size int) int {
	share, err := strconv.ParseFloat(os.Getenv(ShareVariable), 64)
	if err != nil {
		return size
	}
	return max(1, int(share*float64(size)))
}

// New begins a scenario. Its directory is removed at its end unless it failed.
func New(t testing.TB) *Scenario {
	t.Helper()
	s := &Scenario{TB: t, Seed: rand.Uint64(), tally: newTally()}
	if text := os.Getenv(SeedVariable); text != "" {
		var err error
		s.Seed, err = strconv.ParseUint(text, 10, 64)
		s.Must(err)
	}
	name := strings.NewReplacer("/", "_", "-", "_").Replace(strings.TrimPrefix(t.Name(), "Test"))
	var err error
	// Not named like the folders of services, which a later run sweeps away, and
	// short: a socket in a data directory has a long path already.
	s.Dir, err = os.MkdirTemp(os.Getenv(KeepVariable), "rig."+name[:min(len(name), 20)]+".")
	s.Must(err)
	t.Logf("seed %d", s.Seed)
	t.Cleanup(func() {
		t.Logf("seed %d\n%s", s.Seed, s.tally)
		if !t.Failed() {
			os.RemoveAll(s.Dir)
			return
		}
		if n := s.findings.Load(); n > enough {
			t.Logf("found: %d more", n-enough)
		}
		_ = os.WriteFile(filepath.Join(s.Dir, "seed"), fmt.Appendln(nil, s.Seed), 0o644)
		t.Logf("seed %d; logs and histories are in %s", s.Seed, s.Dir)
	})
	return s
}

// Random is a source of choices of its own for each number.
func (s *Scenario) Random(n int) *rand.Rand { return rand.New(rand.NewPCG(s.Seed, uint64(n))) }

// Fault counts a fault that was made, for the report.
func (s *Scenario) Fault(what string) { s.tally.fault(what) }

// Must ends the scenario on an error that is not a finding.
func (s *Scenario) Must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// enough findings are told one by one; the rest is counted.
const enough = 8

// Found reports a broken promise. The scenario goes on: the first finding is
// rarely the most telling one.
func (s *Scenario) Found(format string, args ...any) {
	s.Helper()
	if n := s.findings.Add(1); n <= enough {
		s.Errorf("found: "+format, args...)
	}
}
