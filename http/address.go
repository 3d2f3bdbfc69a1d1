package http

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// Proxies are the networks whose word is taken for whom they speak for.
type Proxies []netip.Prefix

// ParseProxies reads addresses and networks, comma-separated.
func ParseProxies(text string) (all Proxies, err error) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		network, err := netip.ParsePrefix(part)
		if err != nil {
			address, err := netip.ParseAddr(part)
			if err != nil {
				return nil, err
			}
			network = netip.PrefixFrom(address, address.BitLen())
		}
		all = append(all, network.Masked())
	}
	return all, nil
}

func (p Proxies) trust(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(a) })
}

// client is whose request it is: the peer, unless that is a proxy of ours. Proxies
// append the address of their own peer, so the list is read from its end: the first
// who is no proxy of ours is the client, and what stands before him he may have
// made up. A list that cannot be read ends where it cannot.
func (p Proxies) client(peer netip.Addr, forwarded []string) netip.Addr {
	for i := len(forwarded) - 1; i >= 0; i-- {
		rest := forwarded[i]
		for rest != "" {
			if !p.trust(peer) {
				return peer
			}
			at := strings.LastIndexByte(rest, ',')
			next, ok := hop(strings.TrimSpace(rest[at+1:]))
			if !ok {
				return peer
			}
			peer, rest = next, rest[:max(at, 0)]
		}
	}
	return peer
}

// hop reads an address, which may have a port.
func hop(text string) (netip.Addr, bool) {
	if with, err := netip.ParseAddrPort(text); err == nil {
		return plain(with.Addr()), true
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	a, err := netip.ParseAddr(text)
	return plain(a), err == nil
}

// plain is an address in its one form.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// address is the client's.
func (s *Server) address(c *fiber.Ctx) netip.Addr {
	peer := netip.IPv4Unspecified()
	if tcp, is := c.Context().RemoteAddr().(*net.TCPAddr); is {
		if a, ok := netip.AddrFromSlice(tcp.IP); ok {
			peer = plain(a)
		}
	}
	if !s.config.Proxies.trust(peer) {
		return peer
	}
	var forwarded []string
	for _, header := range c.Request().Header.PeekAll(fiber.HeaderXForwardedFor) {
		forwarded = append(forwarded, string(header))
	}
	return s.config.Proxies.client(peer, forwarded)
}
