package faults_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"atelier/test/rig"
	"atelier/test/services"
)

// Nodes with certificates of one authority serve each other's entities; whoever
// has none is refused.
func TestNodesKnowEachOtherByCertificates(t *testing.T) {
	t.Parallel()
	s := rig.New(t)
	dir := filepath.Join(s.Dir, "certs")
	s.Run("certs", "--dir", dir, "a", "b=127.0.0.1")
	file := func(name string) string { return filepath.Join(dir, name+".pem") }
	nodes := s.StartClusterWith(services.Postgres(t).URL(), func(name string) []string {
		return certified(file, name)
	}, "a", "b")
	owner := s.SignIn(nodes[0], s.Register(nodes[0], "owner"))
	for i := range 16 { // of which each node owns some
		var project struct{ ID string }
		s.Must(owner.At(nodes[i%2]).Do(s.Context(), "POST", "/projects", map[string]string{"name": fmt.Sprint(i)}).Into(&project))
		for _, n := range nodes {
			if r := owner.At(n).Do(s.Context(), "GET", "/projects/"+project.ID, nil); !r.OK() {
				s.Found("node %s: %s", n.Name, r)
			}
		}
	}
	authority, err := os.ReadFile(file("ca"))
	s.Must(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	certificate, err := tls.LoadX509KeyPair(file("b"), file("b-key"))
	s.Must(err)
	address := nodes[0].Setting("ATELIER_CLUSTER_ADDR")
	if err := greet(s.Context(), address, &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{certificate}}); err != nil {
		s.Found("with a certificate: %v", err)
	}
	if err := greet(s.Context(), address, &tls.Config{RootCAs: pool}); err == nil {
		s.Found("a node speaks to one without a certificate")
	}
}

// Who has the gossip's key and not the right certificate is seen by the others and
// owns nothing: they serve all that there is, before, while and after it comes.
func TestWhoHasNoCertificateOwnsNothing(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]func(ours, theirs func(string) string) []string{
		"another authority": func(_, theirs func(string) string) []string { return certified(theirs, "x") },
		"no certificate":    func(_, _ func(string) string) []string { return nil },
		"another host's":    func(ours, _ func(string) string) []string { return certified(ours, "elsewhere") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := rig.New(t)
			authority := func(dir string, nodes ...string) func(string) string {
				dir = filepath.Join(s.Dir, dir)
				s.Run(append([]string{"certs", "--dir", dir}, nodes...)...)
				return func(file string) string { return filepath.Join(dir, file+".pem") }
			}
			ours, theirs := authority("ours", "a", "b", "elsewhere=elsewhere.example.com"), authority("theirs", "x")
			key := "ATELIER_CLUSTER_KEY=" + base64.StdEncoding.EncodeToString(make([]byte, 32))
			url := services.Postgres(t).URL()
			nodes := s.StartClusterWith(url, func(name string) []string { return append(certified(ours, name), key) }, "a", "b")
			s.Must(rig.AwaitWhole(s.Context(), nodes, healsWithin))
			stop := atWorkOn(s, nodes)
			stranger := s.Join(nodes, "x", url, append(settings(ours, theirs), key)...)
			s.AwaitSaid(stranger, "cannot be called: nothing is placed there", len(nodes))
			for _, n := range nodes {
				s.AwaitSaid(n, "cannot be called: nothing is placed there", 1)
				if seen, err := n.Sees(s.Context(), "x"); err != nil || seen != "unseen" {
					s.Found("%s says that the stranger is %q (%v)", n.Name, seen, err)
				}
			}
			s.Logf("%d requests", stop())
			for _, n := range append(nodes, stranger) {
				if strikes := n.Said("its lease will not be renewed"); strikes > 0 {
					s.Found("%s has struck somebody", n.Name)
				}
			}
		})
	}
}

// certified are the settings of a node with the files that there are.
func certified(file func(string) string, name string) []string {
	return []string{"ATELIER_CLUSTER_TLS_CA=" + file("ca"), "ATELIER_CLUSTER_TLS_CERT=" + file(name), "ATELIER_CLUSTER_TLS_KEY=" + file(name+"-key")}
}

// greet returns nil when the node at the address speaks.
func greet(ctx context.Context, address string, config *tls.Config) error {
	config.NextProtos = []string{"h2"}
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 9))
	return err
}
