package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/test/rig"
)

func TestCandidates(t *testing.T) {
	t.Parallel()
	root := newParser(context.Background()).Model.Node
	for line, want := range map[string][]string{
		"":                                {"serve", "migrate", "user", "keys", "cluster", "audit", "outbox", "drain", "backup", "restore", "certs", "openapi", "version", "completion"},
		"-- ":                             {"serve", "migrate", "user", "keys", "cluster", "audit", "outbox", "drain", "backup", "restore", "certs", "openapi", "version", "completion"},
		"us":                              {"user"},
		"user ":                           {"create"},
		"user create --pass":              {"--password-stdin"},
		"user create --admin --na":        {"--name"}, // --admin takes no value
		"serve --log-format ":             {"text", "json"},
		"serve --log-format j":            {"json"},
		"serve --log-format json --log-l": {"--log-level"},
		"serve --data-dir ":               nil, // the shell knows files
		"completion ":                     {"bash", "zsh", "fish"},
		"cluster ":                        {"status"},
		"cluster status --":               {"--help", "--ops-addr", "--json"},
		"outbox ":                         {"status", "redrive"},
		"outbox redrive --s":              {"--stream", "--since"},
		"keys ":                           {"list", "rotate", "retire"},
		"keys rotate --o":                 {"--overlap"},
		"keys list --j":                   {"--json"},
		"openapi --p":                     {"--public-url"},
		"openapi --email-verification ":   {"on", "off"},
		"certs --d":                       {"--dir"},
		"version --h":                     {"--help"},
	} {
		words := strings.Split(line, " ")
		require.Equal(t, want, append([]string(nil), candidates(root, words)...), line)
	}
}

// TestBashCompletes runs the script in a real bash against the real program.
func TestBashCompletes(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	require.NoError(t, err)
	directory := t.TempDir()
	program := filepath.Join(directory, "atelier")
	require.NoError(t, rig.Build(program))
	script := bashCompletion + `
COMP_WORDS=(atelier serve --env ""); COMP_CWORD=3; _atelier; echo "${COMPREPLY[@]}"
COMP_WORDS=(atelier mi); COMP_CWORD=1; _atelier; echo "${COMPREPLY[@]}"
`
	cmd := exec.Command(bash, "-c", script)
	cmd.Env = append(os.Environ(), "PATH="+directory+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, "development production\nmigrate\n", string(out))
}
