package deployment

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

const page = "../../docs/operations.md"

// fromPrometheus are the labels that a scrape adds, and up is what it makes itself.
var fromPrometheus = []string{"job", "instance"}

// documented are the metrics of the table in the page, by name, with their labels.
// A test of the program holds that table against what it exposes.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	metrics := map[string][]string{"up": {}}
	quoted := regexp.MustCompile("`([^`]+)`")
	for line := range strings.SplitSeq(string(text), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !regexp.MustCompile("^ `[a-z_]+`").MatchString(cells[1]) {
			continue
		}
		var labels []string
		for _, label := range quoted.FindAllStringSubmatch(cells[2], -1) {
			labels = append(labels, label[1])
		}
		for _, name := range quoted.FindAllStringSubmatch(cells[1], -1) {
			metrics[name[1]] = labels
			if strings.Contains(cells[3], "histogram") {
				metrics[name[1]+"_bucket"] = append(slices.Clone(labels), "le")
				metrics[name[1]+"_count"], metrics[name[1]+"_sum"] = labels, labels
				delete(metrics, name[1])
			}
		}
	}
	if len(metrics) < 40 {
		t.Fatalf("%s has a table of %d metrics", page, len(metrics))
	}
	return metrics
}

// runtimes are metrics of the Go runtime and of the process that the files use.
var runtimes = []string{"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "go_goroutines", "go_memstats_heap_inuse_bytes"}

// checkQuery parses a query and reports what does not exist.
func checkQuery(t *testing.T, metrics map[string][]string, query string) (used []string) {
	t.Helper()
	query = strings.NewReplacer("$__rate_interval", "5m", "$job", "atelier", "$instance", ".*").Replace(query)
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		t.Errorf("%s: %v", query, err)
		return nil
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			labels, known := metrics[n.Name]
			if !known && !slices.Contains(runtimes, n.Name) {
				t.Errorf("%s: there is no metric %s", query, n.Name)
				return nil
			}
			for _, m := range n.LabelMatchers {
				if m.Name != "__name__" && !slices.Contains(append(labels, fromPrometheus...), m.Name) {
					t.Errorf("%s: %s has no label %s", query, n.Name, m.Name)
				}
			}
			used = append(used, n.Name)
		case *parser.AggregateExpr:
			for _, label := range n.Grouping {
				checkGroup(t, metrics, query, n, label)
			}
		}
		return nil
	})
	return used
}

// checkGroup: what is grouped by is a label of every metric below.
func checkGroup(t *testing.T, metrics map[string][]string, query string, group *parser.AggregateExpr, label string) {
	t.Helper()
	parser.Inspect(group.Expr, func(node parser.Node, _ []parser.Node) error {
		if n, is := node.(*parser.VectorSelector); is && !slices.Contains(append(slices.Clone(metrics[n.Name]), fromPrometheus...), label) {
			t.Errorf("%s: %s is not grouped by %s", query, n.Name, label)
		}
		return nil
	})
}

type rules struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Expr, For    string
			Labels, Annotations map[string]string
		}
	}
}

// TestAlertsAreOfMetricsThatExist, and each has a section in the page, and each
// section an alert.
func TestAlertsAreOfMetricsThatExist(t *testing.T) {
	text, err := os.ReadFile("../../deploy/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file rules
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		t.Fatal(err)
	}
	pageText, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^### (Atelier\w+)$`).FindAllStringSubmatch(string(pageText), -1) {
		sections[heading[1]] = false
	}
	metrics := documented(t)
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if len(checkQuery(t, metrics, r.Expr)) == 0 {
				t.Errorf("%s asks for nothing", r.Alert)
			}
			told, known := sections[r.Alert]
			if !known || told {
				t.Errorf("%s has no section of its own in %s", r.Alert, page)
			}
			sections[r.Alert] = true
			if want := "docs/operations.md#" + strings.ToLower(r.Alert); r.Annotations["runbook"] != want {
				t.Errorf("%s: its runbook is at %s", r.Alert, want)
			}
			if s := r.Labels["severity"]; s != "page" && s != "ticket" || r.Annotations["summary"] == "" {
				t.Errorf("%s: severity %q, summary %q", r.Alert, s, r.Annotations["summary"])
			}
		}
	}
	for alert, used := range sections {
		if !used {
			t.Errorf("%s: there is no alert %s", page, alert)
		}
	}
}

type dashboard struct {
	Panels []struct {
		ID      int
		Type    string
		Title   string
		GridPos struct{ H, W, X, Y int }
		Targets []struct{ Expr, LegendFormat string }
	}
}

// TestTheDashboardShowsMetricsThatExist, all that the page lists, and in places of
// their own.
func TestTheDashboardShowsMetricsThatExist(t *testing.T) {
	text, err := os.ReadFile("../../deploy/grafana/atelier.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	metrics := documented(t)
	shown := map[string]bool{"up": true}
	places := map[[2]int]string{}
	for _, p := range d.Panels {
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := places[[2]int{x, y}]; other != "" || x >= 24 {
					t.Errorf("%q lies over %q", p.Title, other)
				}
				places[[2]int{x, y}] = p.Title
			}
		}
		for _, target := range p.Targets {
			for _, name := range checkQuery(t, metrics, target.Expr) {
				shown[base(name)] = true
			}
		}
	}
	for name := range metrics {
		if !shown[base(name)] {
			t.Errorf("no panel shows %s", name)
		}
	}
}

// base is a metric's name without what a histogram adds.
func base(name string) string {
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return name
}
