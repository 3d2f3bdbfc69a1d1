// Command atelier is the server and its tools.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the build.
var version = "dev"

type commands struct {
	Serve   serveCommand   `cmd:"" help:"Run the server."`
	Migrate migrateCommand `cmd:"" help:"Bring the database to the newest schema, or say where it is."`
	User    userCommand    `cmd:"" help:"Manage users."`
	Keys    keysCommand    `cmd:"" help:"Look after the keys that sign tokens."`
	Cluster clusterCommand `cmd:"" help:"Look at the nodes of a cluster."`
	Audit   auditCommand   `cmd:"" help:"Look after the audit."`
	Outbox  outboxCommand  `cmd:"" help:"Look at the events that are on their way out, and send some again."`
	Drain   drainCommand   `cmd:"" help:"Hand the entities of the node on this machine to the others, before it is stopped."`
	Backup  backupCommand  `cmd:"" help:"Write the whole database into a file, while servers go on working."`
	Restore restoreCommand `cmd:"" help:"Fill an empty database from such a file."`
	Certs   certsCommand   `cmd:"" help:"Make certificates for the nodes of a cluster, for development."`
	OpenAPI openapiCommand `cmd:"" name:"openapi" help:"Print the OpenAPI document of the API."`
	Version versionCommand `cmd:"" help:"Say which version this is."`

	Completion completionCommand `cmd:"" help:"Print the completion script of a shell."`
	Complete   completeCommand   `cmd:"" hidden:"" help:"Complete a command line; completion scripts ask it."`
}

const description = `The backend for collaborative applications: accounts, projects, permissions and events.

Settings are flags, variables of the environment or keys of a YAML file (--config).`

// usageError is the exit status of a command line that was not understood.
const usageError = 2

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), ends()...)
	defer stop()
	parsed, err := newParser(ctx).Parse(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "atelier: %v\ntry: %s --help\n", err, misused(err))
		stop()
		os.Exit(usageError)
	}
	if err := parsed.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "atelier:", err)
		stop()
		os.Exit(1)
	}
}

// ends are the signals that end the program in order: that of a terminal that was closed
// too, unless whoever started it wants it to go on then.
func ends() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}

func newParser(ctx context.Context) *kong.Kong { return parserOf(ctx, &commands{}) }

// parserOf reads a command line into c.
func parserOf(ctx context.Context, c *commands) *kong.Kong {
	return kong.Must(c, kong.Name("atelier"), kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.BindTo(ctx, (*context.Context)(nil)),
		kong.NamedMapper("path", kong.MapperFunc(readPath)))
}

// misused is as much of the command line as was understood.
func misused(err error) string {
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if node := parse.Context.Selected(); node != nil {
			return node.FullPath()
		}
	}
	return "atelier"
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run() error {
	revision := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	fmt.Printf("atelier %s (revision %s, %s %s/%s)\n", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
