package services

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChildrenOfOthersOutliveOurs(t *testing.T) {
	t.Parallel()
	f, err := newFolder("test") // nobody's, who runs the children
	require.NoError(t, err)
	defer f.remove()
	for range 20 {
		other := exec.Command("sleep", "1000")
		other.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		require.NoError(t, other.Start())
		for range 5 {
			require.NoError(t, run(f.path, os.Environ(), "true"))
		}
		require.NoError(t, other.Process.Signal(syscall.SIGTERM))
		_ = other.Wait()
		require.Equal(t, syscall.SIGTERM, other.ProcessState.Sys().(syscall.WaitStatus).Signal(), "it ended by our hand")
	}
}
