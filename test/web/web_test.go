package web_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/test/rig"
	"atelier/test/services"
)

func TestMain(m *testing.M) { rig.Main(m) }

// TestPeopleInBrowsers: two nodes, and people with browsers on both.
func TestPeopleInBrowsers(t *testing.T) {
	t.Parallel()
	services.Need(t, "chromium")
	services.NodePackages(t, ".")
	s := rig.New(t)
	nodes := s.StartCluster(services.Postgres(t).URL(), "a", "b")
	cmd := exec.CommandContext(t.Context(), "node", "scenarios.mjs", nodes[0].Address(), nodes[1].Address())
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	played := 0
	for line := range bytes.Lines(out) {
		var scenario struct {
			Name, Error string
			Ms          int
		}
		require.NoError(t, json.Unmarshal(line, &scenario))
		played++
		t.Run(scenario.Name, func(t *testing.T) {
			t.Logf("%d ms", scenario.Ms)
			require.Empty(t, scenario.Error)
		})
	}
	require.Greater(t, played, 8)
}

// TestNodesAreKilledUnderPeople who have one address, and an HAProxy behind it: their
// pages go on by another node, and lose nothing. It has the machine's browsers to itself.
func TestNodesAreKilledUnderPeople(t *testing.T) {
	services.Need(t, "chromium")
	services.Need(t, "haproxy")
	services.NodePackages(t, ".")
	s := rig.New(t)
	balancer, nodes := s.StartBalanced(services.Postgres(t).URL(), "../../deploy/haproxy.cfg", [3]string{"a", "b", "c"})
	cmd := exec.CommandContext(t.Context(), "node", "scenarios.mjs", balancer.Address(), balancer.Address(), "killed")
	cmd.Stderr = os.Stderr
	done, err := cmd.StdinPipe()
	require.NoError(t, err)
	said, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var end *string
	for lines := bufio.NewScanner(said); lines.Scan(); {
		var line struct {
			Kill, Restart *int
			Error         *string
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line))
		switch {
		case line.Kill != nil:
			nodes[*line.Kill].Kill()
		case line.Restart != nil:
			nodes[*line.Restart].Restart()
		default:
			end = line.Error
			continue
		}
		_, err := io.WriteString(done, "done\n")
		require.NoError(t, err)
	}
	require.NoError(t, cmd.Wait())
	require.NotNil(t, end)
	require.Empty(t, *end)
}

// TestTheClientsOwnTests runs those that it has in Node.
func TestTheClientsOwnTests(t *testing.T) {
	t.Parallel()
	services.NodePackages(t, "../../web")
	cmd := exec.CommandContext(t.Context(), "npm", "test", "--silent")
	cmd.Dir = "../../web"
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", said)
}
