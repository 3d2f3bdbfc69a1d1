package http

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"atelier/identity"
)

// TestWhoseRequestItIs: only proxies of ours are believed, and of what they pass
// on only what they have seen themselves.
func TestWhoseRequestItIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, peer, client string
		forwarded          []string
	}{
		{"nobody forwards", "203.0.113.9", "203.0.113.9", nil},
		{"a stranger forwards", "203.0.113.9", "203.0.113.9", []string{"198.51.100.1"}},
		{"a stranger who claims to be a proxy", "203.0.113.9", "203.0.113.9", []string{"198.51.100.1, 10.0.0.1"}},
		{"a proxy", "10.0.0.1", "198.51.100.1", []string{"198.51.100.1"}},
		{"a proxy that says nothing", "10.0.0.1", "10.0.0.1", nil},
		{"made up before it", "10.0.0.1", "198.51.100.1", []string{"192.0.2.1, 198.51.100.1"}},
		{"made up in a header of its own", "10.0.0.1", "198.51.100.1", []string{"192.0.2.1", "198.51.100.1"}},
		{"made up to look like a proxy", "10.0.0.1", "198.51.100.1", []string{"10.0.0.7, 198.51.100.1"}},
		{"two proxies", "10.0.0.1", "198.51.100.1", []string{"192.0.2.1, 198.51.100.1, 10.9.9.9"}},
		{"two proxies, two headers", "10.0.0.1", "198.51.100.1", []string{"198.51.100.1", "10.9.9.9"}},
		{"proxies alone", "10.0.0.1", "10.0.0.3", []string{"10.0.0.3, 10.0.0.2"}},
		{"rubbish", "10.0.0.1", "10.0.0.1", []string{"unknown"}},
		{"rubbish before", "10.0.0.1", "10.0.0.2", []string{"198.51.100.1, <script>, 10.0.0.2"}},
		{"empty", "10.0.0.1", "10.0.0.1", []string{""}},
		{"empty parts", "10.0.0.1", "198.51.100.1", []string{"192.0.2.1,,198.51.100.1"}},
		{"an empty end", "10.0.0.1", "10.0.0.1", []string{"198.51.100.1, "}},
		{"with a port", "10.0.0.1", "198.51.100.1", []string{"198.51.100.1:4711"}},
		{"IPv6", "2001:db8::1", "2001:db8:1::5", []string{"2001:db8:1::5"}},
		{"IPv6 with a port", "2001:db8::1", "2001:db8:1::5", []string{"[2001:db8:1::5]:80"}},
		{"IPv6 in brackets, with a zone", "2001:db8::1", "fe80::1", []string{"[fe80::1%eth0]"}},
		{"IPv4 in IPv6", "::ffff:10.0.0.1", "198.51.100.1", []string{"::ffff:198.51.100.1"}},
	} {
		proxies, err := ParseProxies("10.0.0.0/8, 2001:db8::1,")
		require.NoError(t, err)
		require.Equal(t, c.client, proxies.client(plain(netip.MustParseAddr(c.peer)), c.forwarded).String(), c.name)
	}
	_, err := ParseProxies("10.0.0.0/8, balancer")
	require.Error(t, err)
}

func TestNeighbourhoods(t *testing.T) {
	t.Parallel()
	for address, network := range map[string]string{
		"198.51.100.7": "198.51.100.7/32", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8:1:2::": "2001:db8:1:2::/64", "::1": "::/64",
	} {
		require.Equal(t, network, identity.Network(address))
	}
}

// from sends a request that comes from there.
func (s *Server) from(peer string, method, path string, headers ...string) *fasthttp.Response {
	request := newRequest(method, path, "", headers...)
	ctx := &fasthttp.RequestCtx{}
	ctx.Init(request, &net.TCPAddr{IP: net.ParseIP(peer)}, nil)
	s.app.Handler()(ctx)
	response := &fasthttp.Response{}
	ctx.Response.CopyTo(response)
	return response
}
