package faults_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
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
		return []string{"ATELIER_CLUSTER_TLS_CA=" + file("ca"), "ATELIER_CLUSTER_TLS_CERT=" + file(name), "ATELIER_CLUSTER_TLS_KEY=" + file(name+"-key")}
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
