package yupdate

import (
	"encoding/binary"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A struct of an update that is put together by hand.
type written struct {
	info byte
	rest []byte
}

func numbers(n ...uint64) (b []byte) {
	for _, one := range n {
		b = binary.AppendUvarint(b, one)
	}
	return b
}

func cat(parts ...[]byte) (b []byte) {
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func word(s string) []byte { return append(numbers(uint64(len(s))), s...) }

// update has one client with structs from a clock on, and deleted ranges.
func update(client, clock uint64, structs []written, deleted ...uint64) []byte {
	b := numbers(1, uint64(len(structs)), client, clock)
	for _, s := range structs {
		b = append(append(b, s.info), s.rest...)
	}
	if len(deleted) == 0 {
		return append(b, 0)
	}
	return append(b, numbers(append([]uint64{1, client, uint64(len(deleted) / 2)}, deleted...)...)...)
}

// first is a text at the beginning of a root, and next one behind a unit.
func first(s string) written { return written{contentString, cat(numbers(1), word("t"), word(s))} }

func next(client, clock uint64, s string) written {
	return written{hasOrigin | contentString, cat(numbers(client, clock), word(s))}
}

func TestWhatWasTypedInPiecesBecomesOne(t *testing.T) {
	t.Parallel()
	pieces := update(7, 0, []written{first("a"), next(7, 0, "b"), next(7, 1, "😀"), next(7, 3, "c")})
	whole := update(7, 0, []written{first("ab😀c")})
	require.Equal(t, whole, parse(t, pieces).Compact().Encode())
	require.Equal(t, Vector{7: 5}, parse(t, whole).Vector())
}

// What was typed before something else stays apart from what was typed before that.
func TestPiecesWithOtherNeighboursStayApart(t *testing.T) {
	t.Parallel()
	before := func(clock uint64, origin []byte, s string) written {
		return written{hasOrigin | hasRight | contentString, cat(origin, numbers(8, clock), word(s))}
	}
	apart := update(7, 0, []written{before(1, numbers(8, 0), "a"), before(2, numbers(7, 0), "b"), next(7, 1, "c")})
	require.Equal(t, apart, parse(t, apart).Compact().Encode())
	together := update(7, 0, []written{before(1, numbers(8, 0), "a"), before(1, numbers(7, 0), "b")})
	require.Equal(t, update(7, 0, []written{before(1, numbers(8, 0), "ab")}), parse(t, together).Compact().Encode())
}

func TestDeletedTextsBecomeTheirLength(t *testing.T) {
	t.Parallel()
	got := parse(t, update(7, 0, []written{first("abcdef")}, 1, 2)).Compact()
	want := update(7, 0, []written{first("a"), {hasOrigin | contentDeleted, numbers(7, 0, 2)}, next(7, 2, "def")}, 1, 2)
	require.Equal(t, want, got.Encode())
}

func TestHalvesOfACharacterAreReplaced(t *testing.T) {
	t.Parallel()
	u := parse(t, update(7, 0, []written{first("a😀b")}))
	require.Equal(t, update(7, 2, []written{next(7, 1, "\uFFFDb")}), u.Diff(Vector{7: 2}).Encode())
	require.Equal(t, update(7, 3, []written{next(7, 2, "b")}), u.Diff(Vector{7: 3}).Encode())
	cut := u.runs[0].blocks[0].pieces(7, 2)
	require.Equal(t, word("a\uFFFD"), cut[0].body)
	four := u.runs[0].blocks[0].pieces(7, 1, 2, 3)
	for i, want := range []string{"a", "\uFFFD", "\uFFFD", "b"} {
		require.Equal(t, word(want), four[i].body)
		require.Equal(t, uint64(1), four[i].length)
	}
}

func TestHolesStay(t *testing.T) {
	t.Parallel()
	a := parse(t, update(7, 0, []written{first("ab")}))
	c := parse(t, update(7, 4, []written{next(7, 3, "ef")}))
	merged := Merge(c, a)
	require.Equal(t, update(7, 0, []written{first("ab"), {infoSkip, numbers(2)}, next(7, 3, "ef")}), merged.Encode())
	require.Equal(t, Vector{7: 2}, merged.Vector())
	require.Equal(t, merged.Encode(), parse(t, merged.Encode()).Encode())
	b := parse(t, update(7, 1, []written{next(7, 0, "bcd")}))
	full := Merge(merged, b)
	require.Equal(t, Vector{7: 6}, full.Vector())
	require.Equal(t, update(7, 0, []written{first("abcdef")}), full.Compact().Encode())

	known := NewKnown(merged)
	require.Equal(t, update(7, 2, []written{next(7, 1, "cd")}), known.News(full).Encode())
	copied := known.Clone()
	known.Add(b)
	require.Nil(t, known.News(full))
	require.NotNil(t, copied.News(full))
	require.Equal(t, Vector{7: 6}, known.Vector())
	gone := parse(t, cat(numbers(0), numbers(1, 7, 1, 0, 3)))
	known.Add(parse(t, cat(numbers(0), numbers(1, 7, 1, 1, 1))))
	require.Equal(t, cat(numbers(0), numbers(1, 7, 2, 0, 1, 2, 1)), known.News(gone).Encode())
}

func TestAClientThatStandsTwiceInAnUpdateIsOne(t *testing.T) {
	t.Parallel()
	twice := cat(numbers(2, 1, 7, 2), []byte{next(7, 1, "c").info}, next(7, 1, "c").rest, numbers(1, 7, 0), []byte{contentString}, first("ab").rest, numbers(0))
	require.Equal(t, update(7, 0, []written{first("ab"), next(7, 1, "c")}), parse(t, twice).Encode())
}

func TestWhatIsNoUpdate(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"nothing":                 {},
		"an end too early":        update(7, 0, []written{first("ab")})[:7],
		"something behind":        append(update(7, 0, []written{first("ab")}), 0),
		"a number without end":    {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"more clients than bytes": numbers(1 << 40),
		"more structs than bytes": numbers(1, 1<<40, 7, 0),
		"more deletes than bytes": numbers(0, 1, 7, 1<<40),
		"an empty text":           update(7, 0, []written{first("")}),
		"a text not in UTF-8":     update(7, 0, []written{first("\xed\xa0\x80")}),
		"an unknown content":      update(7, 0, []written{{11, numbers(1, 1, 1)}}),
		"an odd skip":             update(7, 0, []written{{infoSkip | hasOrigin, numbers(1, 1, 1)}}),
		"an odd parent":           update(7, 0, []written{{contentString, cat(numbers(2), word("t"), word("s"))}}),
		"an unknown type":         update(7, 0, []written{{contentType, cat(numbers(1), word("t"), numbers(7))}}),
		"an unknown value":        update(7, 0, []written{{contentAny, cat(numbers(1), word("t"), numbers(1, 100))}}),
		"bad JSON":                update(7, 0, []written{{contentEmbed, cat(numbers(1), word("t"), word("{"))}}),
		"an empty GC":             update(7, 0, []written{{infoGC, numbers(0)}}),
		"a clock too high":        update(7, 1<<31, []written{first("ab")}),
		"a length too high":       update(7, 0, []written{{infoGC, numbers(1 << 32)}}),
		"a delete too high":       cat(numbers(0), numbers(1, 7, 1, 1<<30, 1<<31)),
		"the format of version 2": {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 2, 1, 1, 0, 0},
	} {
		_, err := Parse(b, DefaultLimits())
		require.Error(t, err, name)
		require.True(t, isOurs(err), "%s: %v", name, err)
	}
	deep := func(depth int) [][]byte {
		value := append([]byte(strings.Repeat("u\x01", depth)), 126) // 117: an array of one; 126: null
		text := strings.Repeat("[", depth) + strings.Repeat("]", depth)
		return [][]byte{
			update(7, 0, []written{{contentAny, cat(numbers(1), word("t"), numbers(1), value)}}),
			update(7, 0, []written{{contentEmbed, cat(numbers(1), word("t"), word(text))}}),
		}
	}
	for i := range 2 {
		_, err := Parse(deep(DefaultLimits().Depth)[i], DefaultLimits())
		require.NoError(t, err)
		_, err = Parse(deep(DefaultLimits().Depth + 1)[i], DefaultLimits())
		require.ErrorIs(t, err, ErrLimit)
	}
	tight := Limits{Bytes: 20, Clients: 1, Structs: 2, Deletes: 1, Depth: 1, Clock: 3}
	for name, b := range map[string][]byte{
		"bytes":   update(7, 0, []written{first(strings.Repeat("x", 20))}),
		"clients": numbers(2, 1, 7, 0, 0, 1, 1, 8, 0, 0, 1, 0),
		"structs": update(7, 0, []written{{0, numbers(1)}, {0, numbers(1)}, {0, numbers(1)}}),
		"deletes": cat(numbers(0), numbers(1, 7, 2, 0, 1, 2, 1)),
		"units":   update(7, 0, []written{first("abcd")}),
	} {
		_, err := Parse(b, tight)
		require.ErrorIs(t, err, ErrLimit, name)
	}
	_, err := ParseVector(numbers(1, 7), DefaultLimits())
	require.ErrorIs(t, err, ErrMalformed)
	_, err = ParseVector(numbers(1, 7, 1, 1), DefaultLimits())
	require.ErrorIs(t, err, ErrMalformed)
}

// Every end of every update, and every change of a byte, is an error or an update.
func TestDamagedUpdates(t *testing.T) {
	t.Parallel()
	for _, h := range histories(t)[:40] {
		for _, b := range h.Updates {
			for n := range b {
				_, err := Parse(b[:n], DefaultLimits())
				require.Error(t, err)
			}
			for at := range b {
				damaged := append([]byte(nil), b...)
				damaged[at] ^= 1 << (at % 8)
				if u, err := Parse(damaged, DefaultLimits()); err == nil {
					exercise(t, u, parse(t, b))
				}
			}
		}
	}
}

// What takes least space on the wire takes the most memory for its size.
func TestMemoryIsASmallMultipleOfTheInput(t *testing.T) {
	const n = 1 << 18
	single := numbers(1, n, 7, 0)
	for range n {
		single = append(single, infoGC, 1)
	}
	many := numbers(n)
	for i := range uint64(n) {
		many = append(many, numbers(1, i, 0, infoGC, 1)...)
	}
	deletes := numbers(0, 1, 7, n)
	for i := range uint64(n) {
		deletes = append(deletes, numbers(2*(n-i), 1)...)
	}
	for name, b := range map[string][]byte{"structs": append(single, 0), "clients": append(many, 0), "deletes": deletes} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		u, err := Parse(b, DefaultLimits())
		require.NoError(t, err)
		NewKnown(u)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(128*len(b)), name)
	}
}

// One text that is deleted in many places, and one that fills many holes, are
// cut in one pass: with a pass for each this would take hours.
func TestManyCutsAreOnePass(t *testing.T) {
	t.Parallel()
	const n = 1 << 18
	var places []uint64
	for i := range uint64(n) {
		places = append(places, 2*i, 1)
	}
	text := strings.Repeat("xy", n)
	u := parse(t, update(7, 0, []written{first(text)}, places...))
	require.Len(t, u.Compact().runs[0].blocks, 2*n)

	var structs []written
	for range n {
		structs = append(structs, written{infoGC, numbers(1)}, written{infoSkip, numbers(1)})
	}
	known := NewKnown(parse(t, update(7, 0, structs)))
	news := known.News(u)
	require.Len(t, news.runs[0].blocks, n)
	known.Add(news)
	require.Nil(t, known.News(u))
}
