package yjs

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/test/services"
)

// node is a Node process that answers one request after another.
type node struct {
	in  io.Writer
	out *bufio.Reader
}

// startNode installs Yjs where it is missing and starts the driver.
func startNode(t *testing.T) *node {
	t.Helper()
	services.Need(t, "nodejs")
	services.Need(t, "npm")
	installPackages(t)
	cmd := exec.Command("node", "driver.mjs")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &node{in, bufio.NewReaderSize(out, 1<<20)}
}

// installPackages brings in what the lock file names, once at a time on a machine.
func installPackages(t *testing.T) {
	t.Helper()
	lock, err := os.OpenFile("package.json", os.O_RDONLY, 0)
	require.NoError(t, err)
	defer lock.Close()
	require.NoError(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	wanted, err := os.ReadFile("package-lock.json")
	require.NoError(t, err)
	mark := filepath.Join("node_modules", ".atelier")
	if installed, err := os.ReadFile(mark); err == nil && string(installed) == string(wanted) {
		return
	}
	said, err := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts").CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.NoError(t, os.WriteFile(mark, wanted, 0o644))
}

// ask sends a request and reads its answer.
func (n *node) ask(t *testing.T, request map[string]any, answer any) {
	t.Helper()
	b, err := json.Marshal(request)
	require.NoError(t, err)
	_, err = n.in.Write(append(b, '\n'))
	require.NoError(t, err)
	line, err := n.out.ReadBytes('\n')
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(line, answer))
}
