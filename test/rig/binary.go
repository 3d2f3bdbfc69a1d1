package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
)

// BinaryVariable names a program to run instead of one built from this source:
// test/mutations points it at builds with a safeguard taken out.
const BinaryVariable = "ATELIER_RIG_BINARY"

var built atomic.Pointer[string] // folder of the program that binary built

// binary is the program, built once for the process that runs the tests.
var binary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(BinaryVariable); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", fmt.Sprintf("atelier-binary-%d-", os.Getpid()))
	if err != nil {
		return "", err
	}
	built.Store(&dir)
	path := filepath.Join(dir, "atelier")
	return path, Build(path)
})

// Build builds the program, with these build tags, into a file. The working
// directory must be in the module. Tests that look for races run a program that
// looks for them too.
func Build(path string, tags ...string) error {
	args, cgo := []string{"build", "-o", path, "-tags", strings.Join(tags, ",")}, "CGO_ENABLED=0"
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

// Clean removes what was built: for TestMain, after the tests.
func Clean() {
	if dir := built.Load(); dir != nil {
		os.RemoveAll(*dir)
	}
}
