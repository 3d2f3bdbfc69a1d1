package account

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// FuzzNormaliseEmail: what is taken for an address has one form, which is its own.
func FuzzNormaliseEmail(f *testing.F) {
	for _, seed := range []string{"Ada@Example.com", "a@b", "ä@bücher.example", "a@xn--bcher-kva.example", "\"a b\"@example.com", "a@localhost", "a@@b.c", "a@b.c\n", "a\u0301@example.com", "K@example.com", "İ@example.com"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		normal, err := NormaliseEmail(typed)
		if err != nil {
			require.True(t, messages.HasCode(err, messages.CodeValidationFailed))
			return
		}
		again, err := NormaliseEmail(normal)
		require.NoError(t, err, "%q became %q", typed, normal)
		require.Equal(t, normal, again, "%q", typed)
		require.LessOrEqual(t, len(normal), MaxEmail)
	})
}

// FuzzMergePatch: merged preferences are an object, and merging the same once more
// changes nothing.
func FuzzMergePatch(f *testing.F) {
	for _, seed := range [][2]string{{`{}`, `{"a":1}`}, {`{"a":{"b":1}}`, `{"a":{"b":null}}`}, {``, `{"a":[1,{"b":null}]}`}, {`{"a":1}`, `{"a":{"b":1e999}}`}, {`{}`, `[]`}, {`null`, `null`}} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, target, patch []byte) {
		merged, err := mergePatch(target, patch)
		if err != nil {
			require.True(t, messages.HasCode(err, messages.CodeValidationFailed), "%v", err)
			return
		}
		require.True(t, json.Valid(merged) && bytes.HasPrefix(merged, []byte("{")), "%s", merged)
		again, err := mergePatch(merged, patch)
		require.NoError(t, err)
		require.Equal(t, string(merged), string(again))
	})
}
