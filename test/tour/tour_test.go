// Package tour takes the tours of README.md, docs/tour.md, docs/api.md, docs/realtime.md,
// docs/accounts.md and docs/cluster-tour.md: every command in them runs against real servers, and what
// the pages show must be what comes.
package tour

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/test/rig"
	"atelier/test/services"
)

const (
	pageAddress = "http://127.0.0.1:8080" // that the pages speak of
	separator   = "\x1e"
)

// block is a command block of a page with what the page shows of its output.
type block struct {
	place string // file and line
	code  string
	shown string
}

// TestTours takes the tours in one shell, as a reader does, with everything
// embedded.
func TestTours(t *testing.T) {
	t.Parallel()
	blocks := slices.Concat(read(t, "README.md"), read(t, "docs/tour.md"), read(t, "docs/api.md"), read(t, "docs/realtime.md"))
	require.Greater(t, len(blocks), 15)
	services.Need(t, "curl")
	services.Need(t, "nodejs")
	s := rig.New(t)
	node := s.Start("data", "") // the folder that bin/atelier looks into when nothing is set
	program(t, s)
	for _, shell := range []string{"sh", "bash", "zsh"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			require.NotEqual(t, "sh", shell)
			t.Logf("there is no %s here", shell)
			continue
		}
		take(t, path, s.Dir, "http://"+node.Address(), blocks)
	}
}

// program is where make build would leave it.
func program(t *testing.T, s *rig.Scenario) {
	t.Helper()
	path, err := rig.This()
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(s.Dir, "bin"), 0o700))
	require.NoError(t, os.Symlink(path, filepath.Join(s.Dir, "bin/atelier")))
}

// TestAccountsTour takes the tour of accounts, on a server of its own that proves
// addresses and writes its mail to files.
func TestAccountsTour(t *testing.T) {
	t.Parallel()
	blocks := read(t, "docs/accounts.md")
	require.Greater(t, len(blocks), 4)
	services.Need(t, "curl")
	s := rig.New(t)
	node := s.Start("data", "", "ATELIER_EMAIL_VERIFICATION=on")
	take(t, "sh", s.Dir, "http://"+node.Address(), blocks)
}

// take pastes all blocks into one shell and compares what comes.
func take(t *testing.T, shell, directory, address string, blocks []block) {
	t.Helper()
	outputs := paste(t, shell, directory, address, blocks)
	for i, b := range blocks {
		if difference := compare(b.shown, outputs[i]); difference != "" {
			t.Errorf("%s, in %s: %s\n%s", b.place, shell, difference, b.code)
		}
	}
}

// read takes the command blocks and what follows them out of a page.
func read(t *testing.T, page string) (blocks []block) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", page))
	require.NoError(t, err)
	var inside string
	for i, line := range strings.Split(string(text), "\n") {
		switch {
		case line == "```":
			inside = ""
		case strings.HasPrefix(line, "```"):
			if inside = strings.TrimPrefix(line, "```"); inside == "sh" {
				blocks = append(blocks, block{place: fmt.Sprintf("%s:%d", page, i+1)})
			}
		case inside == "sh":
			blocks[len(blocks)-1].code += line + "\n"
		case inside == "text":
			blocks[len(blocks)-1].shown += line + "\n"
		}
	}
	return blocks
}

// environment is the process's without settings.
func environment() (env []string) {
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "ATELIER_") {
			env = append(env, pair)
		}
	}
	return env
}

// paste feeds all blocks to one shell and returns the output of each.
func paste(t *testing.T, shell, directory, address string, blocks []block) []string {
	t.Helper()
	var script strings.Builder
	for _, b := range blocks {
		fmt.Fprintf(&script, "%sprintf '\\036'\n", strings.ReplaceAll(b.code, pageAddress, address))
	}
	require.Contains(t, script.String(), address)
	cmd := exec.Command(shell)
	cmd.Dir, cmd.Env, cmd.Stdin = directory, environment(), strings.NewReader(script.String())
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	outputs := strings.Split(string(out), separator)
	require.Len(t, outputs, len(blocks)+1, string(out))
	return outputs
}

// compare holds an output against what a page shows. There, … stands for
// anything within a line, and alone for any lines. Empty lines do not count.
func compare(shown, output string) (difference string) {
	var pattern strings.Builder
	for _, line := range lines(shown) {
		if line == "…" {
			pattern.WriteString(`(?:.*\n)*`)
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + `\n`)
	}
	came := strings.Join(append(lines(output), ""), "\n")
	if regexp.MustCompile(`^` + pattern.String() + `$`).MatchString(came) {
		return ""
	}
	return fmt.Sprintf("shown is\n%sbut there came\n%s", shown, came)
}

func lines(text string) (all []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			all = append(all, line)
		}
	}
	return all
}

func TestMain(m *testing.M) { rig.Main(m) }

func TestCompareBites(t *testing.T) {
	t.Parallel()
	require.Empty(t, compare("a…c\n", "abc\r\n\n"))
	require.Empty(t, compare("a\n…\n", "a\nb\nc\n"))
	for shown, output := range map[string]string{"a…c\n": "abd\n", "a\n": "a\nb\n", "a\nb\n": "a\n", "": "error\n", "…x…\n": "a\nx"} {
		require.NotEmpty(t, compare(shown, output), "%q %q", shown, output)
	}
}
