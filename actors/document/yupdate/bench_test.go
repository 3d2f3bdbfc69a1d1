package yupdate

import "testing"

// typed is what an editor sends while somebody types: one unit an update, with a
// correction now and then.
func typed(n int) (updates [][]byte) {
	clock := uint64(0)
	for i := range n {
		switch {
		case clock == 0:
			updates = append(updates, update(7, 0, []written{first("x")}))
			clock++
		case i%10 == 9:
			updates = append(updates, cat(numbers(0), numbers(1, 7, 1, clock-1, 1)))
		default:
			updates = append(updates, update(7, clock, []written{next(7, clock-1, "y")}))
			clock++
		}
	}
	return updates
}

func parsed(b *testing.B, updates [][]byte) (all []*Update) {
	for _, u := range updates {
		all = append(all, parse(b, u))
	}
	return all
}

func BenchmarkParse(b *testing.B) {
	one := typed(2)[1]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(one, DefaultLimits()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKnown(b *testing.B) {
	all := parsed(b, typed(10_000))
	known := NewKnown(Merge(all...))
	last := parse(b, update(7, 1<<20, []written{next(7, 1<<20-1, "z")}))
	b.ReportAllocs()
	for b.Loop() {
		if known.News(last) == nil {
			b.Fatal("it is news")
		}
	}
}

func BenchmarkMerge500(b *testing.B) {
	all := parsed(b, typed(500))
	b.ReportAllocs()
	for b.Loop() {
		Merge(all...)
	}
}

func BenchmarkFold100k(b *testing.B) {
	whole := Merge(parsed(b, typed(100_000))...).Compact().Encode()
	tail := parsed(b, typed(500))
	b.ReportAllocs()
	b.SetBytes(int64(len(whole)))
	for b.Loop() {
		Merge(append([]*Update{parse(b, whole)}, tail...)...).Compact().Encode()
	}
}

func BenchmarkDiff(b *testing.B) {
	whole := Merge(parsed(b, typed(100_000))...)
	v := whole.Vector()
	v[7] -= 100
	b.ReportAllocs()
	for b.Loop() {
		whole.Diff(v).Encode()
	}
}
