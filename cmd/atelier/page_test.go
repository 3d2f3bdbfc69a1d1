package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

const configurationPage = "../../docs/configuration.md"

// TestTheConfigurationPageIsCurrent makes the page from the settings.
func TestTheConfigurationPageIsCurrent(t *testing.T) {
	t.Parallel()
	page := renderPage(newParser(context.Background()).Model)
	if *update {
		require.NoError(t, os.WriteFile(configurationPage, []byte(page), 0o644))
	}
	written, err := os.ReadFile(configurationPage)
	require.NoError(t, err)
	require.Equal(t, page, string(written), "docs/configuration.md is stale: run go test ./cmd/atelier -run Page -update")
}

// TestSettingsHaveOneNameInThreeForms holds what the page says of all of them.
func TestSettingsHaveOneNameInThreeForms(t *testing.T) {
	t.Parallel()
	for _, flag := range allFlags(newParser(context.Background()).Model.Node) {
		if isSetting(flag) {
			require.Equal(t, []string{"ATELIER_" + strings.ToUpper(fileKey(flag))}, flag.Envs)
			require.NotNil(t, flag.Group, flag.Name)
		}
	}
}

const pageIntroduction = `# Configuration

<!-- Made from cmd/atelier/config.go by: go test ./cmd/atelier -run Page -update -->

A setting is a flag, a variable of the environment or a key of a YAML file: ` + "`--http-addr`, `ATELIER_HTTP_ADDR` and `http_addr`" + ` are
one. A flag goes before the environment, the environment before the file, the file before the default. The file is named by
` + "`--config FILE` or `ATELIER_CONFIG`" + `:

` + "```yaml" + `
env: production
http_addr: 0.0.0.0:8080
public_url: https://atelier.example.com
` + "```" + `

Settings that cannot work, and keys of the file that nobody knows, stop the program at its start with a sentence that says what
to do. Secrets belong in the environment or in a file that only the server may read: flags can be seen by other users of the machine.

`

// group is a table of the page.
type group struct {
	title string
	flags []*kong.Flag
	taken []string // by these subcommands
}

func renderPage(app *kong.Application) string {
	var b strings.Builder
	b.WriteString(pageIntroduction)
	for i, g := range groups(app) {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "## %s\n\nTaken by %s.\n\n| environment | flag | file | default | |\n|---|---|---|---|---|\n", g.title, strings.Join(g.taken, ", "))
		for _, flag := range g.flags {
			key, byDefault := "", ""
			if isSetting(flag) {
				key = "`" + fileKey(flag) + "`"
			}
			if flag.HasDefault && flag.Default != "" {
				byDefault = "`" + flag.Default + "`"
			}
			fmt.Fprintf(&b, "| `%s` | `--%s` | %s | %s | %s |\n", flag.Envs[0], flag.Name, key, byDefault, flag.Help)
		}
	}
	return b.String()
}

// groups are the flags that are variables of the environment too, in the order
// of the struct. A subcommand takes all of a group or nothing.
func groups(app *kong.Application) (all []*group) {
	for _, command := range app.Leaves(true) {
		name := "`" + strings.TrimPrefix(command.Path(), "atelier ") + "`"
		for _, flag := range command.Flags {
			if len(flag.Envs) == 0 {
				continue
			}
			i := slices.IndexFunc(all, func(g *group) bool { return g.title == flag.Group.Title })
			if i < 0 {
				i, all = len(all), append(all, &group{title: flag.Group.Title})
			}
			g := all[i]
			if !slices.Contains(g.taken, name) {
				g.taken = append(g.taken, name)
			}
			if !slices.ContainsFunc(g.flags, func(f *kong.Flag) bool { return f.Name == flag.Name }) {
				g.flags = append(g.flags, flag)
			}
		}
	}
	return all
}
