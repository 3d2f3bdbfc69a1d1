package web_test

import (
	"bytes"
	"encoding/json"
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

// TestTheClientsOwnTests runs those that it has in Node.
func TestTheClientsOwnTests(t *testing.T) {
	t.Parallel()
	services.NodePackages(t, "../../web")
	cmd := exec.CommandContext(t.Context(), "npm", "test", "--silent")
	cmd.Dir = "../../web"
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", said)
}
