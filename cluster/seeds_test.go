package cluster

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
)

func TestSeedsAreParsed(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string][]source{
		"":                              nil,
		" 10.0.0.1:7946 , [fd00::1]:80": {{text: "10.0.0.1:7946", host: "10.0.0.1", port: 7946}, {text: "[fd00::1]:80", host: "fd00::1", port: 80}},
		"dns:atelier-nodes:7946":        {{text: "dns:atelier-nodes:7946", host: "atelier-nodes", port: 7946}},
		"file:/etc/seeds,a:1":           {{text: "file:/etc/seeds", file: "/etc/seeds"}, {text: "a:1", host: "a", port: 1}},
	} {
		seeds, err := ParseSeeds(setting)
		require.NoError(t, err, setting)
		require.Equal(t, want, seeds.sources, setting)
	}
	for setting, want := range map[string]string{
		"10.0.0.1":              `seeds: "10.0.0.1": want host:port, dns:name:port or file:path`,
		"a:7946,,b:7946":        `seeds: "": want host:port`,
		"a:0":                   `seeds: "a:0": port "0": want a number from 1 to 65535`,
		"a:65536":               `port "65536"`,
		"dns:atelier-nodes":     `seeds: "dns:atelier-nodes": want`,
		"file:":                 `seeds: "file:" names no file`,
		"http://10.0.0.1:7946":  `want host:port`,
		":7946":                 `want host:port`,
		"a:7946 b:7946,c:79460": `want host:port`,
	} {
		_, err := ParseSeeds(setting)
		require.ErrorContains(t, err, want, setting)
	}
}

func TestSeedsOfAFileAreReadAnew(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "seeds")
	seeds, err := ParseSeeds("file:" + file + ",10.0.0.9:1")
	require.NoError(t, err)
	found, problems := seeds.addresses(t.Context())
	require.Equal(t, []string{"10.0.0.9:1"}, found)
	require.ErrorIs(t, problems["file:"+file], os.ErrNotExist)

	require.NoError(t, os.WriteFile(file, []byte("10.0.0.1:7946 # the first\n\nnonsense\r\n  10.0.0.2:7946"), 0o600))
	found, problems = seeds.addresses(t.Context())
	require.Equal(t, []string{"10.0.0.1:7946", "10.0.0.2:7946", "10.0.0.9:1"}, found)
	require.Len(t, problems, 1)
	require.ErrorContains(t, problems["file:"+file+": nonsense"], "want host:port")
}

func TestMembersAreFoundByDNS(t *testing.T) {
	t.Parallel()
	a := joins(t, "a", nil)
	_, port, err := net.SplitHostPort(a.Address())
	require.NoError(t, err)
	b := joins(t, "b", func(c *MembershipConfig) { c.Bind = "127.0.0.2:" + port })
	server := serveNames(t)
	server.answer.Store(&[][4]byte{{127, 0, 0, 1}, {127, 0, 0, 2}, {127, 0, 0, 3}})
	seed := by(t, "dns:atelier-nodes.test.:"+port)
	c := joins(t, "c", func(config *MembershipConfig) {
		seed(config)
		config.Seeds.Resolver = server.resolver
		config.Bind = "127.0.0.3:" + port
	})
	for _, m := range []*Membership{a, b, c} { // a and b know of each other by c alone
		sees(t, m, "a", "b", "c")
	}
}

func TestANameThatCannotBeResolvedIsAProblem(t *testing.T) {
	t.Parallel()
	seeds, err := ParseSeeds("dns:nowhere.test.:7946,10.0.0.1:7946")
	require.NoError(t, err)
	seeds.Resolver = serveNames(t).resolver
	found, problems := seeds.addresses(t.Context())
	require.Equal(t, []string{"10.0.0.1:7946"}, found)
	require.ErrorContains(t, problems["dns:nowhere.test.:7946"], "no such host")
}

// nameServer answers every question for addresses with the same ones.
type nameServer struct {
	resolver *net.Resolver
	answer   atomic.Pointer[[][4]byte]
}

func serveNames(t *testing.T) *nameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	s := &nameServer{resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}}
	s.answer.Store(&[][4]byte{})
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := s.reply(buf[:n]); reply != nil {
				_, _ = conn.WriteTo(reply, from)
			}
		}
	}()
	return s
}

func (s *nameServer) reply(question []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	if len(*s.answer.Load()) == 0 {
		m.RCode = dnsmessage.RCodeNameError
	}
	if q.Type == dnsmessage.TypeA {
		for _, ip := range *s.answer.Load() {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 1}, Body: &dnsmessage.AResource{A: ip},
			})
		}
	}
	reply, _ := m.Pack()
	return reply
}
