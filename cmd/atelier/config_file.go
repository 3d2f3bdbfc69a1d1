package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// configFile is the YAML file's path. Its keys are the flags' names with
// underscores; each has one value.
type configFile string

// BeforeResolve lets the file answer for flags that were not given.
func (configFile) BeforeResolve(ctx *kong.Context, trace *kong.Path) error {
	path := string(ctx.FlagValue(trace.Flag).(configFile))
	if path == "" {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("the file with settings cannot be read: %w", err)
	}
	defer file.Close()
	values, err := readConfig(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	ctx.AddResolver(&fileSettings{path, values})
	return nil
}

// fileValue is one setting of the file.
type fileValue struct {
	text string
	line int
}

// readConfig reads a YAML mapping of names to single values, and keeps their
// text as it was typed: off stays off.
func readConfig(r io.Reader) (map[string]fileValue, error) {
	var document yaml.Node
	if err := yaml.NewDecoder(r).Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	top := document.Content[0]
	if top.Tag == "!!null" {
		return nil, nil
	}
	if top.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: settings are written as name: value, one a line", top.Line)
	}
	values := make(map[string]fileValue, len(top.Content)/2)
	for i := 0; i < len(top.Content); i += 2 {
		name, value := top.Content[i], top.Content[i+1]
		if value.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("line %d: %s must have a single value", value.Line, name.Value)
		}
		if first, twice := values[name.Value]; twice {
			return nil, fmt.Errorf("line %d: %s is set already, in line %d", name.Line, name.Value, first.line)
		}
		values[name.Value] = fileValue{value.Value, name.Line}
	}
	return values, nil
}

// fileSettings is the file as a source of flags.
type fileSettings struct {
	path   string
	values map[string]fileValue
}

// Resolve implements kong.Resolver. A variable of the environment goes first.
func (f *fileSettings) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	if value, set := f.values[fileKey(flag)]; set && isSetting(flag) {
		return value.text, nil
	}
	return nil, nil
}

// Validate implements kong.Resolver: what no subcommand knows is a mistake.
func (f *fileSettings) Validate(app *kong.Application) error {
	known := make(map[string]bool)
	for _, flag := range allFlags(app.Node) {
		if isSetting(flag) {
			known[fileKey(flag)] = true
		}
	}
	unknown, first := "", 0
	for name, value := range f.values {
		if !known[name] && (first == 0 || value.line < first) {
			unknown, first = name, value.line
		}
	}
	if first == 0 {
		return nil
	}
	return fmt.Errorf("%s: line %d: there is no setting %s; atelier serve --help lists those there are, with - for _", f.path, first, unknown)
}

// isSetting tells the settings from what only a command line says.
func isSetting(flag *kong.Flag) bool { return len(flag.Envs) > 0 && flag.Name != "config" }

func fileKey(flag *kong.Flag) string { return strings.ReplaceAll(flag.Name, "-", "_") }

// allFlags are those of a node and of all below it.
func allFlags(n *kong.Node) []*kong.Flag {
	flags := n.Flags
	for _, child := range n.Children {
		flags = append(flags[:len(flags):len(flags)], allFlags(child)...)
	}
	return flags
}
