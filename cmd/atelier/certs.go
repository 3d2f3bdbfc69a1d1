package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// certsCommand makes certificates for development. The authority's key is not
// kept: nobody can make further ones, and nobody has to guard it.
type certsCommand struct {
	Dir   string   `help:"Directory for the files; those that are there are not overwritten." required:"" type:"path" placeholder:"DIR"`
	Nodes []string `arg:"" name:"node" help:"Name of a node; with the hosts under which the others reach it: a=10.0.0.1,a.example.com. Without: localhost and 127.0.0.1."`
}

const certificateLife = 365 * 24 * time.Hour

// Run makes the authority and the certificates, and says how to set them.
func (c *certsCommand) Run() error { return c.write(os.Stdout) }

func (c *certsCommand) write(w io.Writer) error {
	nodes, err := certifiedNodes(c.Nodes)
	if err != nil {
		return err
	}
	if err := c.vacant(nodes); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return fmt.Errorf("the directory for certificates cannot be made: %w", err)
	}
	authority, err := newAuthority()
	if err != nil {
		return err
	}
	if err := writePEM(c.file("ca"), "CERTIFICATE", authority.certificate.Raw); err != nil {
		return err
	}
	for _, n := range nodes {
		if err := c.certify(authority, n); err != nil {
			return err
		}
		fmt.Fprintf(w, "# %s, reached as %s\nATELIER_CLUSTER_TLS_CA=%s\nATELIER_CLUSTER_TLS_CERT=%s\nATELIER_CLUSTER_TLS_KEY=%s\n\n",
			n.name, strings.Join(n.hosts, ", "), c.file("ca"), c.file(n.name), c.file(n.name+"-key"))
	}
	return nil
}

func (c *certsCommand) file(name string) string { return filepath.Join(c.Dir, name+".pem") }

// vacant refuses before anything is written what would be overwritten.
func (c *certsCommand) vacant(nodes []certifiedNode) error {
	files := []string{c.file("ca")}
	for _, n := range nodes {
		files = append(files, c.file(n.name), c.file(n.name+"-key"))
	}
	seen := map[string]bool{}
	for _, file := range files {
		if seen[file] {
			return fmt.Errorf("%s would be written twice: give the nodes other names", file)
		}
		seen[file] = true
		if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is there already; name another directory with --dir", file)
		}
	}
	return nil
}

func (c *certsCommand) certify(a *authority, n certifiedNode) error {
	certificate, key, err := a.sign(n)
	if err != nil {
		return err
	}
	if err := writePEM(c.file(n.name), "CERTIFICATE", certificate); err != nil {
		return err
	}
	return writePEM(c.file(n.name+"-key"), "PRIVATE KEY", key)
}

type certifiedNode struct {
	name  string
	hosts []string
}

// certifiedNodes reads name=host1,host2.
func certifiedNodes(words []string) (nodes []certifiedNode, err error) {
	for _, word := range words {
		name, list, given := strings.Cut(word, "=")
		n := certifiedNode{name, []string{"localhost", "127.0.0.1"}}
		if given {
			n.hosts = strings.Split(list, ",")
		}
		if name == "" || strings.HasPrefix(name, ".") || strings.ContainsAny(name, `/\`) {
			return nil, fmt.Errorf("a node cannot be named %q: files are named after it", name)
		}
		for _, host := range n.hosts {
			if host == "" || strings.ContainsAny(host, " /") || strings.Contains(host, ":") && net.ParseIP(host) == nil {
				return nil, fmt.Errorf("%q is no host of %s: names and addresses, without ports, such as %s=10.0.0.1,%s.example.com", host, name, name, name)
			}
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := certificateFor("Atelier development CA")
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(raw)
	return &authority{certificate, key}, err
}

// sign makes a certificate with which a node both listens and dials.
func (a *authority) sign(n certifiedNode) (certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := certificateFor(n.name)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, host := range n.hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	if certificate, err = x509.CreateCertificate(rand.Reader, template, a.certificate, &private.PublicKey, a.key); err != nil {
		return nil, nil, fmt.Errorf("a certificate for %s: %w", n.name, err)
	}
	key, err = x509.MarshalPKCS8PrivateKey(private)
	return certificate, key, err
}

func certificateFor(name string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)) // the reader does not fail
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife), // clocks differ
	}
}

// writePEM writes a file that was not there.
func writePEM(path, kind string, content []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(pem.Encode(file, &pem.Block{Type: kind, Bytes: content}), file.Close())
}
