package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"

	"atelier/cluster"
)

// clusterSettings say which cluster the node is part of, and how it finds the
// others.
type clusterSettings struct {
	ClusterName      string `help:"Name of the cluster that this node is part of. Where it is not set it is atelier, if seeds or another setting of the cluster are; else the node is alone. Nodes of one database that are in no cluster, or in different ones, verify every answer in the database." placeholder:"NAME" env:"ATELIER_CLUSTER_NAME" group:"Cluster"`
	ClusterAddr      string `help:"Address of the connections between nodes." default:"127.0.0.1:7800" env:"ATELIER_CLUSTER_ADDR" group:"Cluster"`
	ClusterAdvertise string `help:"Address under which other nodes find that one; the same where it is not set." placeholder:"HOST:PORT" env:"ATELIER_CLUSTER_ADVERTISE" group:"Cluster"`
	ClusterSeeds     string `help:"Where some of the other nodes' gossip is: addresses, dns:NAME:PORT, file:PATH, comma-separated." placeholder:"SEEDS" env:"ATELIER_CLUSTER_SEEDS" group:"Cluster"`
	ClusterPreset    string `help:"How patient nodes are with each other: local, lan or wan." enum:"local,lan,wan" default:"lan" env:"ATELIER_CLUSTER_PRESET" group:"Cluster"`
	ClusterTLSCA     string `name:"cluster-tls-ca" help:"Certificate authority of the nodes' certificates, PEM." type:"path" placeholder:"FILE" env:"ATELIER_CLUSTER_TLS_CA" group:"Cluster"`
	ClusterTLSCert   string `name:"cluster-tls-cert" help:"This node's certificate, PEM." type:"path" placeholder:"FILE" env:"ATELIER_CLUSTER_TLS_CERT" group:"Cluster"`
	ClusterTLSKey    string `name:"cluster-tls-key" help:"Its private key, PEM." type:"path" placeholder:"FILE" env:"ATELIER_CLUSTER_TLS_KEY" group:"Cluster"`
	GossipAddr       string `help:"Address of the gossip by which nodes notice each other, TCP and UDP." default:"127.0.0.1:7946" env:"ATELIER_GOSSIP_ADDR" group:"Cluster"`
	GossipAdvertise  string `help:"Address under which other nodes find that one; the same where it is not set." placeholder:"HOST:PORT" env:"ATELIER_GOSSIP_ADVERTISE" group:"Cluster"`
	ClusterKey       string `help:"Encrypt the gossip: 16, 24 or 32 bytes in base64. Several, comma-separated: the first encrypts, all decrypt. file:PATH has them one a line, and is read again while the node runs." placeholder:"KEYS" env:"ATELIER_CLUSTER_KEY" group:"Cluster"`
}

// clustered reports whether the node is part of a cluster.
func (s *clusterSettings) clustered() bool { return s.ClusterName != "" }

// defaultCluster is the name of the cluster that nodes are part of who say how they find
// each other, and not in which.
const defaultCluster = "atelier"

func (s *clusterSettings) nameCluster() {
	if said := s.ClusterSeeds + s.ClusterAdvertise + s.GossipAdvertise + s.ClusterKey + s.ClusterTLSCA + s.ClusterTLSCert + s.ClusterTLSKey; said != "" && s.ClusterName == "" {
		s.ClusterName = defaultCluster
	}
}

// checkCluster refuses settings of a cluster that cannot work.
func (s *settings) checkCluster() error {
	s.nameCluster()
	if !s.clustered() {
		return nil
	}
	if s.embedded() {
		return errors.New("a cluster needs Postgres: set ATELIER_DATABASE_URL, or none of the settings ATELIER_CLUSTER_*")
	}
	for _, a := range []struct{ name, address string }{{"ATELIER_CLUSTER_ADDR", s.ClusterAddr}, {"ATELIER_GOSSIP_ADDR", s.GossipAddr}} {
		if _, port, err := net.SplitHostPort(a.address); err != nil || port == "" {
			return fmt.Errorf("%s must be an address with a port, such as 10.0.0.1:7800, and not %q", a.name, a.address)
		}
	}
	for _, a := range []struct{ name, address string }{{"ATELIER_CLUSTER_ADVERTISE", s.ClusterAdvertise}, {"ATELIER_GOSSIP_ADVERTISE", s.GossipAdvertise}} {
		if host, port, err := net.SplitHostPort(a.address); a.address != "" && (err != nil || host == "" || port == "" || port == "0") {
			return fmt.Errorf("%s must be the host and the port that other nodes ask, such as 10.0.0.1:7800, and not %q", a.name, a.address)
		}
	}
	if s.Env == "production" && (s.ClusterTLSCA == "" || s.ClusterKey == "") {
		return errors.New("in production nodes talk over TLS and encrypted gossip: set ATELIER_CLUSTER_TLS_CA, ATELIER_CLUSTER_TLS_CERT, ATELIER_CLUSTER_TLS_KEY and ATELIER_CLUSTER_KEY")
	}
	if _, err := s.tls(); err != nil {
		return err
	}
	_, _, err := s.gossip()
	return err
}

// tls is nil where nodes talk in plaintext.
func (s *clusterSettings) tls() (*tls.Config, error) {
	if s.ClusterTLSCA == "" && s.ClusterTLSCert == "" && s.ClusterTLSKey == "" {
		return nil, nil
	}
	if s.ClusterTLSCA == "" || s.ClusterTLSCert == "" || s.ClusterTLSKey == "" {
		return nil, errors.New("TLS between nodes needs all three: ATELIER_CLUSTER_TLS_CA, ATELIER_CLUSTER_TLS_CERT and ATELIER_CLUSTER_TLS_KEY")
	}
	authority, err := os.ReadFile(s.ClusterTLSCA)
	if err != nil {
		return nil, fmt.Errorf("ATELIER_CLUSTER_TLS_CA cannot be read: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("ATELIER_CLUSTER_TLS_CA: %s holds no certificate", s.ClusterTLSCA)
	}
	certificate, err := tls.LoadX509KeyPair(s.ClusterTLSCert, s.ClusterTLSKey)
	if err != nil {
		return nil, fmt.Errorf("ATELIER_CLUSTER_TLS_CERT and ATELIER_CLUSTER_TLS_KEY: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{certificate}, RootCAs: pool, MinVersion: tls.VersionTLS13}, nil
}

func (s *clusterSettings) gossip() (seeds cluster.Seeds, keys [][]byte, err error) {
	if seeds, err = cluster.ParseSeeds(s.ClusterSeeds); err != nil {
		return seeds, nil, fmt.Errorf("ATELIER_CLUSTER_SEEDS: %w", err)
	}
	keys, err = s.gossipKeys()
	return seeds, keys, err
}
