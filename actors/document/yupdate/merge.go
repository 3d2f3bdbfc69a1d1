package yupdate

import (
	"cmp"
	"slices"
)

// Merge is one update with the effect of all. Its work is that of sorting, and
// it shares contents with what it merges.
func Merge(updates ...*Update) *Update {
	var runs []run
	var deletes []ranges
	for _, u := range updates {
		runs = append(runs, u.runs...)
		deletes = append(deletes, u.deletes...)
	}
	slices.SortStableFunc(runs, func(a, b run) int { return cmp.Compare(b.client, a.client) })
	return &Update{runs: join(runs), deletes: normal(deletes)}
}

// join makes one run of those of each client, which stand together.
func join(runs []run) []run {
	out := make([]run, 0, len(runs))
	for start := 0; start < len(runs); {
		stop := start + 1
		for stop < len(runs) && runs[stop].client == runs[start].client {
			stop++
		}
		out = append(out, joined(runs[start:stop]))
		start = stop
	}
	return out
}

// joined is one run of several. Of what several hold the first counts.
func joined(runs []run) run {
	if len(runs) == 1 {
		return runs[0]
	}
	n, ordered := 0, true
	for i := range runs {
		ordered = ordered && (i == 0 || runs[i-1].end() <= runs[i].blocks[0].clock)
		n += len(runs[i].blocks)
	}
	blocks := make([]block, 0, n)
	for i := range runs {
		blocks = append(blocks, runs[i].blocks...)
	}
	if !ordered {
		blocks = disjoint(runs[0].client, blocks)
	}
	return run{client: runs[0].client, blocks: blocks}
}

// disjoint sorts blocks and takes out what is there twice.
func disjoint(client uint64, blocks []block) []block {
	slices.SortStableFunc(blocks, func(a, b block) int {
		if c := cmp.Compare(a.clock, b.clock); c != 0 {
			return c
		}
		return cmp.Compare(b.length, a.length)
	})
	out := blocks[:0]
	var end uint64
	for i := range blocks {
		b := blocks[i]
		switch {
		case len(out) > 0 && b.end() <= end:
			continue
		case len(out) > 0 && b.clock < end:
			b = b.from(client, end)
		}
		end = b.end()
		out = append(out, b)
	}
	return out
}
