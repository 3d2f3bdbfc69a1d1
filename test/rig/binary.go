package rig

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// BinaryVariable names a program to run instead of one built from this source:
// test/mutations points it at builds with a safeguard taken out.
const BinaryVariable = "ATELIER_RIG_BINARY"

// Version is a build of the program. It returns the file, which is built when it
// is first asked for, once for the process that runs the tests.
type Version func() (path string, err error)

var (
	// This is the program.
	This Version = sync.OnceValues(func() (string, error) {
		if path := os.Getenv(BinaryVariable); path != "" {
			return path, nil
		}
		return built("atelier")
	})
	// Next is the rehearsal of a next version: a command, its event and a
	// migration more.
	Next Version = sync.OnceValues(func() (string, error) { return built("atelier-next", "next") })
)

// builds is the folder of what was built.
var builds = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", fmt.Sprintf("atelier-binary-%d-", os.Getpid()))
	made.Store(&dir)
	return dir, err
})

var made atomic.Pointer[string] // by builds

func built(name string, tags ...string) (path string, err error) {
	dir, err := builds()
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, name)
	return path, Build(path, tags...)
}

// Build builds the program, with these build tags, into a file. The working
// directory must be in the module. Tests that look for races run a program that
// looks for them too.
func Build(path string, tags ...string) error { return build(path, "-tags", strings.Join(tags, ",")) }

func build(path string, flags ...string) error {
	args, cgo := append([]string{"build", "-o", path}, flags...), "CGO_ENABLED=0"
	if Raced {
		args, cgo = append(args, "-race"), "CGO_ENABLED=1"
	}
	cmd := exec.Command("go", append(args, "atelier/cmd/atelier")...)
	cmd.Env = append(os.Environ(), cgo)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("rig: build: %w\n%s", err, out)
	}
	return nil
}

// atOnce is how many scenarios run at least at a time: most of what they do is to
// wait.
const atOnce = 3

// Main is the TestMain of packages with scenarios. It removes what was built for them.
func Main(m *testing.M) {
	flag.Parse()
	if runtime.GOMAXPROCS(0) < atOnce {
		_ = flag.Set("test.parallel", fmt.Sprint(atOnce))
	}
	code := m.Run()
	if dir := made.Load(); dir != nil {
		os.RemoveAll(*dir)
	}
	os.Exit(code)
}
