package postgres

import (
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"atelier/actors/store"
)

// reply and lookup are commands of the n-th commit.
type (
	reply struct {
		n int32
		*store.Reply
	}
	lookup struct {
		n int32
		store.CommandKey
	}
)

// commands are the inputs of composition.commands.
func (a *arguments) commands(flights []flight) {
	if !deduped {
		return
	}
	var replies []reply
	var lookups []lookup
	for _, f := range flights {
		for i := range f.commit.Replies {
			if !f.commit.Replies[i].Fresh || a.with&withDoubt != 0 {
				a.with |= withSearch
			}
			replies = append(replies, reply{f.n, &f.commit.Replies[i]})
		}
		for _, key := range f.commit.Lookups {
			lookups = append(lookups, lookup{f.n, key})
		}
	}
	if len(replies) > 0 {
		slices.SortFunc(replies, func(a, b reply) int { return compareKeys(a.CommandKey, b.CommandKey) })
		a.add(withReplies,
			int4s(replies, func(r reply) int32 { return r.n }),
			texts(replies, func(r reply) string { return r.Principal }),
			texts(replies, func(r reply) string { return r.Command }),
			byteas(replies, func(r reply) []byte { return r.Fingerprint }),
			byteas(replies, func(r reply) []byte { return r.Body }),
			times(replies, func(r reply) pgtype.Timestamptz { return stamp(r.Expires) }),
			bools(replies, func(r reply) bool { return r.Fresh }))
	}
	if len(lookups) > 0 {
		a.add(withLookups,
			int4s(lookups, func(l lookup) int32 { return l.n }),
			texts(lookups, func(l lookup) string { return l.Principal }),
			texts(lookups, func(l lookup) string { return l.Command }))
	}
}

func compareKeys(a, b store.CommandKey) int {
	if c := strings.Compare(a.Principal, b.Principal); c != 0 {
		return c
	}
	return strings.Compare(a.Command, b.Command)
}
