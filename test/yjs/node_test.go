package yjs

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/test/services"
)

// node is a Node process that answers one request after another.
type node struct {
	in  io.WriteCloser
	out *bufio.Reader
}

// startNode installs Yjs where it is missing and starts a script.
func startNode(t testing.TB, script string) *node {
	t.Helper()
	services.NodePackages(t, ".")
	cmd := exec.Command("node", script)
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
