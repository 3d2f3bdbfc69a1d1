package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"atelier/cluster"
)

// TestEveryMetricIsInThePage, with its labels, and every metric of the page exists.
func TestEveryMetricIsInThePage(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	m.readRuntime(nil, nil)
	m.readEdge(nil, nil)
	m.readOutbox(nil)
	m.readLease(&cluster.Lease{})
	m.readPostgres(nil)
	m.readMails(nil)
	m.readCache(nil)
	m.readCluster(nil)
	m.readHub(nil)
	m.readLimits(nil, nil)
	m.readAudit(nil)
	all := make(chan *prometheus.Desc)
	go func() {
		defer close(all)
		m.Describe(all)
	}()
	exposed := map[string][]string{}
	description := regexp.MustCompile(`fqName: "([^"]+)".*variableLabels: \{([^}]*)\}`)
	for d := range all {
		found := description.FindStringSubmatch(d.String())
		require.NotNil(t, found, d.String())
		if name := found[1]; !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			exposed[name] = slices.DeleteFunc(strings.Split(found[2], ","), func(s string) bool { return s == "" })
		}
	}
	page, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	documented := map[string][]string{}
	row := regexp.MustCompile("(?m)^\\| (`[a-z_]+`(?:, `[a-z_]+`)*) \\|([^|]*)\\|.+\\|$")
	quoted := regexp.MustCompile("`([a-z_]+)`")
	for _, r := range row.FindAllStringSubmatch(string(page), -1) {
		labels := []string{}
		for _, l := range quoted.FindAllStringSubmatch(r[2], -1) {
			labels = append(labels, l[1])
		}
		for _, name := range quoted.FindAllStringSubmatch(r[1], -1) {
			documented[name[1]] = labels
		}
	}
	require.Equal(t, documented, exposed)
}
