package web_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/test/rig"
	"atelier/test/services"
)

func TestMain(m *testing.M) {
	code := m.Run()
	rig.Clean()
	os.Exit(code)
}

// TestPeopleInBrowsers: two nodes, and people with browsers on both.
func TestPeopleInBrowsers(t *testing.T) {
	t.Parallel()
	services.Need(t, "nodejs")
	services.Need(t, "npm")
	services.Need(t, "chromium")
	services.NodePackages(t, ".")
	s := rig.New(t)
	nodes := s.StartCluster(services.Postgres(t).URL(), "a", "b")
	scenarios, err := exec.CommandContext(t.Context(), "node", "scenarios.mjs").Output()
	require.NoError(t, err)
	names := strings.Fields(string(scenarios))
	require.Greater(t, len(names), 3)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "node", "scenarios.mjs", name, nodes[0].Address(), nodes[1].Address())
			said, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", said)
		})
	}
}

// TestTheClientsOwnTests runs those that it has in Node.
func TestTheClientsOwnTests(t *testing.T) {
	t.Parallel()
	services.Need(t, "nodejs")
	services.Need(t, "npm")
	services.NodePackages(t, "../../web")
	cmd := exec.CommandContext(t.Context(), "npm", "test", "--silent")
	cmd.Dir = "../../web"
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", said)
}
