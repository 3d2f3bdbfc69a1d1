package services

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
)

// Names is a name server that hosts of a network ask. What it knows changes at
// any time, as that of a cluster's does.
type Names struct {
	conn net.PacketConn

	mu      sync.Mutex
	records map[string][]netip.Addr // by name, with the dot at its end
	silent  bool
}

// spaceFiles are the files that ip netns exec puts over those of /etc, by the name
// of a namespace.
const spaceFiles = "/etc/netns"

// Names starts a name server on the network and has its hosts ask it, also those
// that are made later. It ends with the network.
func (n *Network) Names() (*Names, error) {
	conn, err := net.ListenPacket("udp", net.JoinHostPort(n.Servers(), "53"))
	if err != nil {
		return nil, fmt.Errorf("services: name server: %w", err)
	}
	n.names = &Names{conn: conn, records: map[string][]netip.Addr{}}
	go n.names.serve()
	for _, h := range n.hosts {
		err = errors.Join(err, h.askNames())
	}
	return n.names, err
}

// askNames gives the host a resolver's configuration of its own.
func (h *Host) askNames() error {
	dir := filepath.Join(spaceFiles, h.space)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	content := "nameserver " + h.network.Servers() + "\noptions timeout:1 attempts:1\n"
	return os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte(content), 0o644)
}

// Set says which addresses a name has; none: there is no such name.
func (n *Names) Set(name string, addresses ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.records, name+".")
	for _, a := range addresses {
		n.records[name+"."] = append(n.records[name+"."], netip.MustParseAddr(a))
	}
}

// Silence lets questions go unanswered, or ends that.
func (n *Names) Silence(silent bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.silent = silent
}

func (n *Names) serve() {
	packet := make([]byte, 4096)
	for {
		size, from, err := n.conn.ReadFrom(packet)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if answer, err := n.answer(packet[:size]); err == nil && answer != nil {
			_, _ = n.conn.WriteTo(answer, from)
		}
	}
}

// answer is nil where there is to be none.
func (n *Names) answer(question []byte) ([]byte, error) {
	var p dnsmessage.Parser
	header, err := p.Start(question)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	addresses, silent := n.records[q.Name.String()], n.silent
	n.mu.Unlock()
	if silent {
		return nil, nil
	}
	header = dnsmessage.Header{ID: header.ID, Response: true, Authoritative: true, RecursionDesired: header.RecursionDesired}
	if len(addresses) == 0 {
		header.RCode = dnsmessage.RCodeNameError
	}
	b := dnsmessage.NewBuilder(nil, header)
	err = errors.Join(b.StartQuestions(), b.Question(q), b.StartAnswers())
	if q.Type == dnsmessage.TypeA {
		for _, a := range addresses {
			resource := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 1}
			err = errors.Join(err, b.AResource(resource, dnsmessage.AResource{A: a.As4()}))
		}
	}
	if err != nil {
		return nil, err
	}
	return b.Finish()
}
