package deployment

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// manifests are the objects in deploy/kubernetes, by kind and name, decoded into the
// types of Kubernetes: a field that these do not have is an error.
func manifests(t *testing.T) map[string]any {
	t.Helper()
	files, err := filepath.Glob("../../deploy/kubernetes/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	kinds := map[string]func() any{
		"StatefulSet": func() any { return &apps.StatefulSet{} }, "Service": func() any { return &core.Service{} },
		"PodDisruptionBudget": func() any { return &policy.PodDisruptionBudget{} }, "NetworkPolicy": func() any { return &networking.NetworkPolicy{} },
	}
	objects := map[string]any{}
	for _, file := range files {
		if filepath.Base(file) == "kustomization.yaml" {
			appliesAll(t, file, files)
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
			var head struct {
				Kind     string
				Metadata struct{ Name string }
			}
			if err := yaml.Unmarshal(document, &head); err != nil || kinds[head.Kind] == nil {
				t.Fatalf("%s: %q: %v", file, head.Kind, err)
			}
			object := kinds[head.Kind]()
			if err := yaml.UnmarshalStrict(document, object); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			objects[head.Kind+"/"+head.Metadata.Name] = object
		}
	}
	return objects
}

// appliesAll says whether a kustomization has all the other files.
func appliesAll(t *testing.T, file string, files []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var k struct{ Resources []string }
	if err := yaml.Unmarshal(text, &k); err != nil {
		t.Fatal(err)
	}
	want := append(k.Resources, filepath.Base(file))
	var have []string
	for _, f := range files {
		have = append(have, filepath.Base(f))
	}
	slices.Sort(want)
	if slices.Sort(have); !slices.Equal(want, have) {
		t.Errorf("%s is about %v, and there are %v", file, want, have)
	}
}

// hook is how long a pod's hook before its end takes at most.
func hook(t *testing.T, c core.Container) time.Duration {
	t.Helper()
	if c.Lifecycle == nil || c.Lifecycle.PreStop == nil || c.Lifecycle.PreStop.Exec == nil {
		t.Fatal("there is no hook before the end")
	}
	command := c.Lifecycle.PreStop.Exec.Command
	if len(command) != 4 || command[0] != "/atelier" || command[1] != "drain" || command[2] != "--wait" {
		t.Fatalf("the hook before the end is %v", command)
	}
	atMost, err := time.ParseDuration(command[3])
	if err != nil {
		t.Fatal(err)
	}
	return atMost
}

// TestManifestsFitTogether: what they name in each other and in the program exists.
func TestManifestsFitTogether(t *testing.T) {
	objects := manifests(t)
	set := objects["StatefulSet/atelier"].(*apps.StatefulSet)
	headless := objects["Service/"+set.Spec.ServiceName].(*core.Service)
	if headless.Spec.ClusterIP != core.ClusterIPNone || !headless.Spec.PublishNotReadyAddresses {
		t.Error("nodes that are not ready yet are not found")
	}
	pod := set.Spec.Template.Spec
	node := pod.Containers[0]
	ports := map[string]int32{}
	for _, p := range node.Ports {
		ports[p.Name] = p.ContainerPort
	}
	settings := map[string]string{}
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range node.Env {
		settings[v.Name] = v.Value
		if strings.HasPrefix(v.Name, "ATELIER_") && !bytes.Contains(page, []byte("| `"+v.Name+"` |")) {
			t.Errorf("there is no setting %s", v.Name)
		}
	}
	for setting, port := range map[string]string{"HTTP": ":8080", "OPS": ":9090", "CLUSTER": ":7800", "GOSSIP": ":7946"} {
		name := map[string]string{"HTTP": "http", "OPS": "ops", "CLUSTER": "nodes", "GOSSIP": "gossip"}[setting]
		if settings["ATELIER_"+setting+"_ADDR"] != port || ports[name] == 0 {
			t.Errorf("ATELIER_%s_ADDR is %q", setting, settings["ATELIER_"+setting+"_ADDR"])
		}
	}
	if !strings.Contains(settings["ATELIER_CLUSTER_SEEDS"], "dns:"+headless.Name+".") {
		t.Errorf("seeds are %q", settings["ATELIER_CLUSTER_SEEDS"])
	}
	wait, err := time.ParseDuration(settings["ATELIER_DRAIN_WAIT"])
	const stopping = 40 * time.Second // requests in flight, then commits
	if grace := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second; err != nil || wait == 0 || hook(t, node)+wait+stopping > grace {
		t.Errorf("a node that waits %v is killed after %v", wait, grace)
	}
	if p := node.ReadinessProbe; time.Duration(p.PeriodSeconds*p.FailureThreshold)*time.Second*2 > wait {
		t.Error("a node that drains is not noticed in time")
	}
	for _, p := range []*core.Probe{node.StartupProbe, node.ReadinessProbe, node.LivenessProbe} {
		if ports[p.HTTPGet.Port.StrVal] == 0 {
			t.Errorf("a probe asks port %s", p.HTTPGet.Port.StrVal)
		}
	}
	for _, service := range []*core.Service{headless, objects["Service/atelier"].(*core.Service)} {
		for _, p := range service.Spec.Ports {
			to := ports[p.TargetPort.StrVal]
			if p.TargetPort.StrVal == "" {
				to = cmp.Or(p.TargetPort.IntVal, p.Port)
			}
			if to == 0 || ports[p.Name] != to {
				t.Errorf("the service %s leads %s to a port that no pod has", service.Name, p.Name)
			}
		}
	}
	for _, rule := range objects["NetworkPolicy/atelier"].(*networking.NetworkPolicy).Spec.Ingress {
		for _, p := range rule.Ports {
			if ports[p.Port.StrVal] == 0 {
				t.Errorf("the network policy lets in port %s", p.Port.StrVal)
			}
		}
	}
	for _, selector := range []map[string]string{
		set.Spec.Selector.MatchLabels, headless.Spec.Selector, objects["Service/atelier"].(*core.Service).Spec.Selector,
		objects["PodDisruptionBudget/atelier"].(*policy.PodDisruptionBudget).Spec.Selector.MatchLabels,
		objects["NetworkPolicy/atelier"].(*networking.NetworkPolicy).Spec.PodSelector.MatchLabels,
	} {
		for label, value := range selector {
			if set.Spec.Template.Labels[label] != value {
				t.Errorf("no pod has %s=%s", label, value)
			}
		}
	}
}

// TestTheContainerfile names settings and folders that exist.
func TestTheContainerfile(t *testing.T) {
	text, err := os.ReadFile("../../Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`ATELIER_\w+`).FindAllString(string(text), -1)
	for _, name := range names {
		if !bytes.Contains(page, []byte("| `"+name+"` |")) {
			t.Errorf("there is no setting %s", name)
		}
	}
	if len(names) == 0 || !bytes.Contains(text, []byte("\nUSER 65532")) {
		t.Error("the container runs as root, or without settings")
	}
}
