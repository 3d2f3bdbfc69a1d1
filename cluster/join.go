package cluster

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	rejoinEvery    = 2 * time.Second
	resolveTimeout = time.Second      // for all the seeds' names together
	joinAtOnce     = 8                // addresses; one that answers knows the others
	aliasFor       = 30 * time.Second // not asked again: who answers there is known under another address
)

// search is what looking for members remembers between its attempts.
type search struct {
	silent   map[string]bool      // addresses that did not answer when they were asked last
	aliases  map[string]time.Time // addresses that answered and are no member's own: when
	problems map[string]error     // of the last attempt, by entry
}

// rejoin looks for seeds and lost members that are not known, for as long as
// there are any: the sides of a split find each other again once they can, and
// nodes that started before their seeds were there.
func (m *Membership) rejoin() {
	tick := time.NewTicker(rejoinEvery)
	defer tick.Stop()
	for {
		select {
		case <-m.quit:
			return
		case <-tick.C:
			m.join(context.Background())
		}
	}
}

// join asks those that are missing, at the same time; memberlist's own time-out
// bounds each. What goes wrong is said once and not at each attempt.
func (m *Membership) join(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	seeds, problems := m.config.Seeds.addresses(ctx)
	for entry, err := range m.search.unsaid(problems) {
		m.log.Warn("seeds cannot be found", "entry", entry, "error", err)
	}

	missing := m.search.due(m.members.missing(seeds))
	rand.Shuffle(len(missing), func(i, k int) { missing[i], missing[k] = missing[k], missing[i] })
	missing = missing[:min(len(missing), joinAtOnce)]
	errs := make([]error, len(missing))
	var asked sync.WaitGroup
	for i, address := range missing {
		asked.Go(func() { _, errs[i] = m.list.Join([]string{address}) })
	}
	asked.Wait()

	for i, address := range missing {
		if errs[i] == nil && !m.members.at(address) {
			m.search.aliases[address] = time.Now()
		}
		if m.search.silence(address, errs[i]) {
			m.log.Info("no member of the cluster answers", "address", address, "error", cmp.Or(errors.Unwrap(errs[i]), errs[i]))
		}
	}
}

// due takes out the addresses of members that are known under another one.
func (s *search) due(missing []string) []string {
	return slices.DeleteFunc(missing, func(address string) bool { return time.Since(s.aliases[address]) < aliasFor })
}

// silence reports whether an address has begun not to answer.
func (s *search) silence(address string, err error) bool {
	was := s.silent[address]
	s.silent[address] = err != nil
	return err != nil && !was
}

// unsaid are the problems that the last attempt had not.
func (s *search) unsaid(problems map[string]error) map[string]error {
	fresh := maps.Clone(problems)
	maps.DeleteFunc(fresh, func(entry string, _ error) bool { return s.problems[entry] != nil })
	s.problems = problems
	return fresh
}
