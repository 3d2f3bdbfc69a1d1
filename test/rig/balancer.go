package rig

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"atelier/test/services"
)

// DrainWait is how long nodes behind a balancer say that they stop: several of
// its checks, on a machine that has other things to do.
const DrainWait = 2 * time.Second

// Balancer is an HAProxy or an nginx in front of a cluster.
type Balancer struct {
	scenario *Scenario
	address  string
}

// StartBalanced starts three nodes that are one cluster, on fixed addresses, and
// HAProxy or nginx in front of them, with a configuration of the repository's.
func (s *Scenario) StartBalanced(database, configuration string, names [3]string) (*Balancer, []*Node) {
	s.Helper()
	b := &Balancer{s, services.FreeAddress(s)}
	addresses := []string{"BALANCER=" + b.address}
	nodes := s.startCluster(database, names[:], func(i int) place {
		address := services.FreeAddress(s)
		addresses = append(addresses, fmt.Sprintf("NODE_%c=%s", 'A'+i, address))
		return place{settings: []string{"ATELIER_HTTP_ADDR=" + address, "ATELIER_DRAIN_WAIT=" + DrainWait.String()}}
	})
	said, err := os.Create(filepath.Join(s.Dir, "balancer.log"))
	s.Must(err)
	defer said.Close()
	cmd := exec.Command("haproxy", "-db", "-f", configuration)
	if filepath.Base(configuration) == "nginx.conf" {
		cmd = s.nginx(configuration, addresses)
	}
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), addresses...), said, said
	s.Must(s.Begin(cmd))
	s.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // a master that is killed leaves its workers
		_ = cmd.Wait()
	})
	b.await()
	return b, nodes
}

// nginx is the command that runs an nginx with the configuration, in which the
// addresses are filled in.
func (s *Scenario) nginx(configuration string, addresses []string) *exec.Cmd {
	s.Helper()
	text, err := os.ReadFile(configuration)
	s.Must(err)
	filled := string(text)
	for _, a := range addresses {
		name, address, _ := strings.Cut(a, "=")
		filled = strings.ReplaceAll(filled, "${"+name+"}", address)
	}
	path := filepath.Join(s.Dir, "nginx.conf")
	s.Must(os.WriteFile(path, []byte(filled), 0o600))
	args := []string{"-p", s.Dir, "-e", "stderr", "-c", path}
	if said, err := exec.Command("nginx", append(args, "-t")...).CombinedOutput(); err != nil {
		s.Fatalf("%s: %v\n%s", configuration, err, said)
	}
	return exec.Command("nginx", append(args, "-g", "daemon off;")...)
}

// Address is host:port of its clients' side.
func (b *Balancer) Address() string { return b.address }

// await returns when the balancer has found a node.
func (b *Balancer) await() {
	b.scenario.Helper()
	for began := time.Now(); time.Since(began) < patience; time.Sleep(20 * time.Millisecond) {
		answer, err := http.Get("http://" + b.address + "/readyz")
		if err != nil {
			continue
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return
		}
	}
	b.scenario.Fatalf("the balancer finds no node: see %s/balancer.log", b.scenario.Dir)
}

// Behind is the same client behind a balancer, on connections of its own that
// stay open.
func (c *Client) Behind(b *Balancer) *Client {
	behind := *c
	behind.address, behind.http = func() string { return b.address }, pooled()
	return &behind
}
