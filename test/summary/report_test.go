package main

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// summarise reports a whole output, and whether all is well.
func summarise(output string) (string, bool) {
	var text strings.Builder
	r := newReport(&text, time.Time{})
	for line := range strings.Lines(output) {
		r.line(line, time.Time{})
	}
	well := r.end(time.Time{})
	return text.String(), well
}

var seconds = regexp.MustCompile(`\d+\.\d s`)

func test(t *testing.T, packages ...string) (string, bool) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"test", "-json"}, packages...)...)
	cmd.Dir = "testdata/module"
	out, err := cmd.Output()
	text, well := summarise(string(out))
	require.Equal(t, err == nil, well, "the exit code is go test's\n%s", text)
	return seconds.ReplaceAllString(text, "0.0 s"), well
}

func TestFailuresAreTold(t *testing.T) {
	t.Parallel()
	text, well := test(t, "./...")
	require.False(t, well)
	for _, said := range []string{
		"ok    module/good                                 2 tests",
		"FAIL  module/bad TestA/one (0.0 s)\n      printed\n          a_test.go:11: wrong\n",
		"FAIL  module/bad                                  2 tests",
		"broken/a_test.go:5:28: undefined: undefined\n",
		"FAIL  module/broken                            does not build\n",
		"FAIL  module/panics TestA (0.0 s)\n      panic: oh",
		"FAIL  module/exits (0.0 s)\n      a leak\n",
		"skipped:\n  module/good TestA/two: a_test.go:7: no time\n",
		"failed:\n",
		"  module/panics TestA\n      panic: oh",
		"  module/bad TestA/one\n      printed\n          a_test.go:11: wrong\n",
	} {
		require.Contains(t, text, said)
	}
	require.True(t, strings.HasSuffix(text, "\n4 passed, 4 failed, 1 skipped\n"), text)
}

func TestSuccessIsShort(t *testing.T) {
	t.Parallel()
	text, well := test(t, "./good")
	require.True(t, well)
	require.NotContains(t, text, "FAIL")
	require.True(t, strings.HasSuffix(text, "\n1 passed, 0 failed, 1 skipped\n"), text)
}

func TestWhatDoesNotEndHasFailed(t *testing.T) {
	t.Parallel()
	text, well := summarise(`{"Action":"start","Package":"m/p"}
{"Action":"run","Package":"m/p","Test":"TestA"}
{"Action":"output","Package":"m/p","Test":"TestA","Output":"last words\n"}
`)
	require.False(t, well)
	require.Contains(t, text, "FAIL  p TestA (did not end) (0.0 s)\n      last words\n")
	_, well = summarise("")
	require.False(t, well, "nothing was tested")
}

func TestProgress(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	now := time.Now()
	r := newReport(&text, now)
	r.progress(now.Add(quiet - 1))
	require.Empty(t, text.String())
	r.progress(now.Add(quiet))
	require.Equal(t, "  …   20 s, 0 packages done; now compiling\n", text.String())
	for _, line := range []string{
		`{"Action":"start","Package":"m/p"}`,
		`{"Action":"run","Package":"m/p","Test":"TestA"}`,
		`{"Action":"run","Package":"m/p","Test":"TestA/b"}`,
		`{"Action":"run","Package":"m/p","Test":"TestWaits"}`,
		`{"Action":"pause","Package":"m/p","Test":"TestWaits"}`,
		`{"Action":"run","Package":"m/p","Test":"TestB"}`,
		`{"Action":"pass","Package":"m/p","Test":"TestB"}`,
	} {
		r.line(line, now.Add(quiet))
	}
	text.Reset()
	r.progress(now.Add(3 * quiet))
	require.Equal(t, "  …   60 s, 0 packages done; now p TestA/b (40 s)\n", text.String())
}
