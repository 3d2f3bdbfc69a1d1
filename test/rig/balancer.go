package rig

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"atelier/test/services"
)

// DrainWait is how long nodes behind a balancer say that they stop: several of
// its checks, on a machine that has other things to do.
const DrainWait = 2 * time.Second

// Balancer is an HAProxy in front of a cluster.
type Balancer struct {
	scenario *Scenario
	address  string
}

// StartBalanced starts three nodes that are one cluster, on fixed addresses, and
// HAProxy in front of them, with a configuration of the repository's.
func (s *Scenario) StartBalanced(database, configuration string, names [3]string) (*Balancer, []*Node) {
	s.Helper()
	b := &Balancer{s, services.FreeAddress(s)}
	env := append(os.Environ(), "BALANCER="+b.address)
	nodes := s.startCluster(database, names[:], func(i int) place {
		address := services.FreeAddress(s)
		env = append(env, fmt.Sprintf("NODE_%c=%s", 'A'+i, address))
		return place{settings: []string{"ATELIER_HTTP_ADDR=" + address, "ATELIER_DRAIN_WAIT=" + DrainWait.String()}}
	})
	said, err := os.Create(filepath.Join(s.Dir, "balancer.log"))
	s.Must(err)
	defer said.Close()
	cmd := exec.Command("haproxy", "-db", "-f", configuration)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, said, said
	s.Must(s.Begin(cmd))
	s.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	b.await()
	return b, nodes
}

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
	return &Client{Node: c.Node, Token: c.Token, address: func() string { return b.address }, http: pooled()}
}
