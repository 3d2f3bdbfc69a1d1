package document_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/actors/document"
	"atelier/actors/document/yupdate"
	"atelier/messages"
)

func parsed(t *testing.T, b []byte) *yupdate.Update {
	t.Helper()
	u, err := yupdate.Parse(b, yupdate.DefaultLimits())
	require.NoError(t, err)
	return u
}

func TestWhatSomebodyLacks(t *testing.T) {
	t.Parallel()
	l := &messages.DocumentLog{DocumentId: id, Position: 3, Folded: 1, Content: typed(7, 0, "ab"), Updates: [][]byte{typed(7, 2, "cd"), typed(9, 0, "x")}}
	all, has, err := document.Missing(l, []byte{0})
	require.NoError(t, err)
	require.Equal(t, yupdate.Vector{7: 4, 9: 1}, parsed(t, all).Vector())
	require.Equal(t, yupdate.Vector{7: 4, 9: 1}.Encode(), has)
	some, _, err := document.Missing(l, yupdate.Vector{7: 3, 8: 2}.Encode())
	require.NoError(t, err)
	require.Equal(t, yupdate.Vector{7: 4, 9: 1}, yupdate.Merge(parsed(t, some), parsed(t, typed(7, 0, "abc"))).Vector())
	require.Less(t, len(some), len(all))
	nothing, _, err := document.Missing(l, has)
	require.NoError(t, err)
	require.Equal(t, []byte{0, 0}, nothing)
	_, _, err = document.Missing(l, []byte{200})
	require.True(t, messages.HasCode(err, messages.CodeValidationFailed), "%v", err)

	for update, want := range map[string]bool{string([]byte{0, 0}): false, string(typed(7, 1, "bc")): false, string(typed(7, 3, "de")): true, string([]byte{0, 1, 7, 1, 1, 1}): true} {
		adds, err := document.Adds(l, []byte(update))
		require.NoError(t, err)
		require.Equal(t, want, adds, "%x", update)
	}
	_, err = document.Adds(l, []byte("no"))
	require.True(t, messages.HasCode(err, messages.CodeValidationFailed), "%v", err)
}

func TestUpdatesAreJoined(t *testing.T) {
	t.Parallel()
	one := typed(7, 0, "ab")
	parts, err := document.Joined([][]byte{one})
	require.NoError(t, err)
	require.Equal(t, [][]byte{one}, parts, "one is taken as it is")
	parts, err = document.Joined([][]byte{one, typed(7, 2, "cd"), typed(9, 0, "x")})
	require.NoError(t, err)
	require.Len(t, parts, 1)
	require.Equal(t, yupdate.Vector{7: 4, 9: 1}, parsed(t, parts[0]).Vector())

	large := typed(7, 0, string(bytes.Repeat([]byte{'x'}, 3*messages.MaxUpdate)))
	parts, err = document.Joined([][]byte{large})
	require.NoError(t, err)
	s := empty(t)
	for _, part := range parts {
		require.LessOrEqual(t, len(part), messages.MaxUpdate)
		require.NotEmpty(t, apply(t, s, appending(part)))
	}
	require.Equal(t, yupdate.Vector{7: 3 * messages.MaxUpdate}, s.Vector())

	_, err = document.Joined([][]byte{one, []byte("no")})
	require.True(t, messages.HasCode(err, messages.CodeValidationFailed), "%v", err)
	_, err = document.Joined([][]byte{make([]byte, document.MaxSize+1)})
	require.True(t, messages.HasCode(err, messages.CodePayloadTooLarge), "%v", err)
}
