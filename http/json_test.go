package http

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]any{
		`{}`: map[string]any{}, ` [ ] `: []any{}, `null`: nil, `true`: true, `-0.5e1`: -5.0, `"a"`: "a", `"\u00e9\ud83d\ude00\n"`: "é😀\n",
		"{\"a\":[1,{\"b\":\"c\"}],\r\n\t\"d\":false}": map[string]any{"a": []any{1.0, map[string]any{"b": "c"}}, "d": false},
		`"\ufffd"`: "\ufffd", `"\\u0000"`: `\u0000`,
	} {
		got, err := parse([]byte(body))
		require.NoError(t, err, body)
		require.Equal(t, want, got, body)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		``: "malformed_json", `{`: "malformed_json", `{"a"}`: "malformed_json", `{"a":1,}`: "malformed_json", `[1 2]`: "malformed_json", `{} x`: "malformed_json",
		`tru`: "malformed_json", `01`: "malformed_json", `1.`: "malformed_json", `-`: "malformed_json", `1e`: "malformed_json", `"a`: "malformed_json",
		"\"\t\"": "malformed_json", `"\q"`: "malformed_json", "\"\xff\"": "malformed_json", `"\ud800"`: "malformed_json", `"\ud800\ufffd"`: "malformed_json",
		`{"a":1,"a":2}`: "/a duplicate", `{"x":{"a/b":1,"a/b":2}}`: "/x/a~1b duplicate", `{"a":["\u0000"]}`: "/a/0 format", `{"a":1e999}`: "/a out_of_range", `{"\u0000":1}`: " format", strings.Repeat("[", 66) + strings.Repeat("]", 66): strings.Repeat("/0", 65) + " format",
	} {
		_, err := parse([]byte(body))
		var refusal *messages.Error
		require.ErrorAs(t, err, &refusal, body)
		got := refusal.GetCode()
		if len(refusal.GetFields()) > 0 {
			got = refusal.GetFields()[0].GetPointer() + " " + refusal.GetFields()[0].GetCode()
		}
		require.Equal(t, want, got, body)
	}
}

// FuzzParse holds the parser against encoding/json: what one reads the other
// reads alike, save what is refused on purpose.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5e-3,{"b":"\u00e9\ud83d\ude00"}],"c":null}`, `{"a":1,"a":2}`, "\"\xff\"", `[[[[1]]]]`, `1e999`, `"\ud800"`, ` {"":""} `, `-0`, `{"a":"\\"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := parse(body)
		if err == nil {
			require.True(t, json.Valid(body), "%q", body)
			var want any
			require.NoError(t, json.Unmarshal(body, &want), "%q", body)
			require.Equal(t, want, got, "%q", body)
			return
		}
		var refusal *messages.Error
		require.ErrorAs(t, err, &refusal)
		onPurpose := refusal.GetCode() == messages.CodeValidationFailed || !utf8.Valid(body) || bytes.Contains(body, []byte(`\`))
		require.True(t, onPurpose || !json.Valid(body), "%q: %v", body, err)
	})
}
