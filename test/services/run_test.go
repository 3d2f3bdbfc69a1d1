package services

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// role makes this test binary play another part: "run" holds a run around the
// command in its arguments, "test" is a test binary that uses services, "listen"
// takes connections at an address, "dial" makes one.
const role = "ATELIER_TEST_ROLE"

func TestMain(m *testing.M) {
	var code int
	var err error
	switch os.Getenv(role) {
	case "run":
		code, err = Run(os.Args[1:]...)
	case "test":
		err = useServices(os.Args[1:])
	case "listen":
		_, err = net.Listen("tcp", os.Args[1])
		time.Sleep(time.Minute)
	case "dial":
		_, err = net.DialTimeout("tcp", os.Args[1], 300*time.Millisecond)
	default:
		// A closed client notices so within a second where it was dialling.
		goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// useServices takes parts of shared services, says where they are, and waits for
// the end of its input. Meanwhile it has a Postgres of its own that is frozen
// with a connection open: whose processes neither notice that it ends nor are of
// one group.
func useServices(names []string) error {
	var addresses []string
	for _, name := range names {
		address, err := ask(name)
		if err != nil {
			return err
		}
		addresses = append(addresses, address)
	}
	own, err := StartPostgres()
	if err != nil {
		return err
	}
	defer own.Stop()
	if _, err := pgx.Connect(context.Background(), own.URL("postgres")); err != nil {
		return err
	}
	own.Freeze()
	if err := json.NewEncoder(os.Stdout).Encode(addresses); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// player is a process with a role, and all that it has started.
type player struct {
	cmd     *exec.Cmd
	input   *os.File // its writing end
	output  *bufio.Reader
	began   map[int]string // its descendants' start times by pid
	folders []string       // where they work
}

// command is a command line with no run around it, in which RUN and TEST stand
// for this binary in these roles.
func command(line string) *exec.Cmd {
	as := func(r string) string { return fmt.Sprintf("env %s=%s %s", role, r, os.Args[0]) }
	cmd := exec.Command("sh", "-c", strings.NewReplacer("RUN", as("run"), "TEST", as("test")).Replace(line))
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, socketVariable+"=") })
	cmd.Stderr = os.Stderr
	return cmd
}

// play starts a command line and waits until services are in use.
func play(t *testing.T, line string) (p *player, addresses []string) {
	t.Helper()
	p = &player{cmd: command(line), began: map[int]string{}}
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.output = bufio.NewReader(out)
	// Not StdinPipe, which Wait would close: nobody shall end for want of input.
	var input *os.File
	input, p.input, err = os.Pipe()
	require.NoError(t, err)
	defer input.Close()
	p.cmd.Stdin = input
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() {
		p.input.Close()
		_ = p.cmd.Wait()
	})
	addresses = p.said(t)
	for _, pid := range descendants(p.cmd.Process.Pid) {
		if when := began(pid); when != "" {
			p.began[pid] = when
		}
		cwd, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
		if below, ok := strings.CutPrefix(cwd, filepath.Join(os.TempDir(), prefix)); ok {
			name, _, _ := strings.Cut(below, "/")
			p.folders = append(p.folders, filepath.Join(os.TempDir(), prefix+name))
		}
	}
	return p, addresses
}

func (p *player) said(t *testing.T) (addresses []string) {
	t.Helper()
	line, err := p.output.ReadBytes('\n')
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(line, &addresses))
	return addresses
}

// left are those of the processes that still run.
func (p *player) left() (commands []string) {
	for pid, when := range p.began {
		if began(pid) == when {
			line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			commands = append(commands, fmt.Sprintf("%d %q", pid, line))
		}
	}
	return commands
}

// ended waits until nothing of it runs.
func (p *player) ended(t *testing.T) {
	t.Helper()
	if !assert.Eventually(t, func() bool { return len(p.left()) == 0 }, 10*time.Second, 10*time.Millisecond) {
		t.Fatal(p.left())
	}
}

// began says when a process started; a process that has ended has no time.
func began(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if fields[0] == "Z" {
		return ""
	}
	return fields[19]
}

func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	kill := func(p *player) { _ = p.cmd.Process.Kill() }
	for name, c := range map[string]struct {
		line string
		end  func(p *player)
		tidy bool // leaves no folders for others to sweep
	}{
		"a run ends":                          {"exec RUN sh -c 'sleep 1000 & TEST postgres redis'", func(p *player) { p.input.Close() }, true},
		"a run is stopped":                    {"exec RUN TEST redis", func(p *player) { _ = p.cmd.Process.Signal(syscall.SIGTERM) }, true},
		"a run is killed":                     {"exec RUN sh -c 'TEST postgres redis rabbitmq; true'", kill, false},
		"who started a run is killed":         {"RUN TEST redis; true", kill, true},
		"a test binary without one ends":      {"exec TEST postgres", func(p *player) { p.input.Close() }, true},
		"a test binary without one is killed": {"exec TEST redis", kill, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := play(t, c.line)
			require.Greater(t, len(p.left()), 6, "two servers at least, one of them with a frozen connection; Postgres may not have all its workers yet")
			require.NotEmpty(t, p.folders)
			c.end(p)
			_ = p.cmd.Wait()
			if !c.tidy {
				if namespace() != 0 {
					p.ended(t)
				}
				sweep()
			}
			p.ended(t)
			require.Eventually(t, func() bool {
				return !slices.ContainsFunc(p.folders, func(folder string) bool { _, err := os.Stat(folder); return err == nil })
			}, 10*time.Second, 10*time.Millisecond)
		})
	}
}

func TestTestBinariesOfARunShareItsServers(t *testing.T) {
	t.Parallel()
	p, one := play(t, "exec RUN sh -c 'TEST postgres postgres redis </dev/null; TEST postgres redis </dev/null; exec TEST'")
	two := p.said(t)
	require.Equal(t, where(t, one[0]), where(t, two[0]))
	require.Equal(t, where(t, one[2]), where(t, two[1]))
	require.Len(t, map[string]bool{one[0]: true, one[1]: true, one[2]: true, two[0]: true, two[1]: true}, 5, "parts are given out once")
}

func TestATestBinaryWithoutARunHasItsOwn(t *testing.T) {
	t.Parallel()
	_, one := play(t, "exec TEST postgres postgres")
	_, two := play(t, "exec TEST postgres")
	require.Equal(t, where(t, one[0]), where(t, one[1]))
	require.NotEqual(t, one[0], one[1])
	require.NotEqual(t, where(t, one[0]), where(t, two[0]))
}

func where(t *testing.T, address string) string {
	u, err := url.Parse(address)
	require.NoError(t, err)
	return u.Host
}

func TestARunEndsAsItsCommandDoes(t *testing.T) {
	t.Parallel()
	for code := range 3 {
		cmd := command(fmt.Sprintf("exec RUN sh -c 'exit %d'", code))
		_ = cmd.Run()
		require.Equal(t, code, cmd.ProcessState.ExitCode())
	}
}
