package tour

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/test/rig"
	"atelier/test/services"
)

// TestClusterTour kills, restarts and cuts off the nodes of make cluster, as the
// page shows it.
func TestClusterTour(t *testing.T) {
	t.Parallel()
	blocks := read(t, "docs/cluster-tour.md")
	require.Greater(t, len(blocks), 5)
	services.Need(t, "curl")
	probe, err := services.StartNetwork()
	if errors.Is(err, services.ErrNoNetworks) {
		t.Skip(err)
	}
	require.NoError(t, err)
	probe.Stop()
	s := rig.New(t)
	address := startCluster(t, s)
	take(t, "sh", s.Dir, "http://"+address, blocks)
}

// startCluster does what make cluster does, in the scenario's directory and with
// the balancer at an address of its own.
func startCluster(t *testing.T, s *rig.Scenario) (balancer string) {
	t.Helper()
	program(t, s)
	cluster := filepath.Join(s.Dir, ".tools/cluster")
	out, err := exec.Command("go", "build", "-o", cluster, "atelier/deploy/local").CombinedOutput()
	require.NoError(t, err, string(out))
	deploy, err := filepath.Abs("../../deploy")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(deploy, filepath.Join(s.Dir, "deploy")))
	balancer = services.FreeAddress(t)
	cmd := exec.Command(cluster)
	cmd.Dir, cmd.Env = s.Dir, append(environment(), "BALANCER="+balancer)
	said, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = cmd.Stdout
	require.NoError(t, s.Begin(cmd))
	var all strings.Builder
	ended := make(chan struct{})
	ready := make(chan struct{})
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(io.TeeReader(said, &all))
		for lines.Scan() {
			if strings.Contains(lines.Text(), "Ctrl-C") {
				close(ready)
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		err := cmd.Wait()
		if err != nil || t.Failed() {
			t.Errorf("the cluster said, and ended with %v:\n%s", err, all.String())
		}
	})
	select {
	case <-ready:
	case <-ended:
		t.Fatal("the cluster has ended")
	case <-time.After(2 * time.Minute):
		t.Fatal("the cluster is not ready")
	}
	return balancer
}
