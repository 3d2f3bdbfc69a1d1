package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCertificatesAreNotOverwritten(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "certs")
	write := func(nodes ...string) (string, error) {
		var said strings.Builder
		err := (&certsCommand{Dir: dir, Nodes: nodes}).write(&said)
		return said.String(), err
	}
	for fault, nodes := range map[string][]string{
		"cannot be named": {"a", "../b"}, "written twice": {"a", "a=b"}, "is no host": {"a=b:7800"}, "other names": {"ca"},
	} {
		_, err := write(nodes...)
		require.ErrorContains(t, err, fault)
	}
	require.NoDirExists(t, dir)

	said, err := write("a", "b=10.0.0.1,b.example.com")
	require.NoError(t, err)
	require.Contains(t, said, "ATELIER_CLUSTER_TLS_KEY="+filepath.Join(dir, "b-key.pem"))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 5)
	for _, file := range files {
		info, err := file.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file.Name())
	}
	before, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	require.NoError(t, err)
	_, err = write("c")
	require.ErrorContains(t, err, "is there already")
	after, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.NoFileExists(t, filepath.Join(dir, "c.pem"))
}
