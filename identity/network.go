package identity

import "net/netip"

// Network is what one party is taken to have: a single address of IPv4, the /64 that
// every customer gets of IPv6. Empty for what is no address.
func Network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	network, err := a.Prefix(bits)
	if err != nil {
		return a.String()
	}
	return network.String()
}
