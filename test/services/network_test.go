package services

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func startNetwork(t *testing.T) *Network {
	t.Helper()
	n, err := StartNetwork()
	if errors.Is(err, ErrNoNetworks) {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(n.Stop)
	return n
}

// answers reports whether what listens on an address takes connections from a
// host.
func answers(from *Host, address string) bool {
	cmd := from.Command(os.Args[0], address)
	cmd.Env = append(os.Environ(), role+"=dial")
	return cmd.Run() == nil
}

func TestHostsAreCutOffAndHeal(t *testing.T) {
	t.Parallel()
	n := startNetwork(t)
	server, err := net.Listen("tcp", n.Servers()+":0")
	require.NoError(t, err)
	defer server.Close()
	var hosts []*Host
	for range 2 {
		h, err := n.Host()
		require.NoError(t, err)
		listening := h.Command(os.Args[0], h.Address()+":80")
		listening.Env = append(os.Environ(), role+"=listen")
		require.NoError(t, listening.Start())
		defer func() { _ = listening.Process.Kill(); _ = listening.Wait() }()
		hosts = append(hosts, h)
	}
	a, b := hosts[0], hosts[1]
	sees := func(want ...bool) {
		t.Helper()
		got := []bool{answers(a, b.Address()+":80"), answers(b, a.Address()+":80"), answers(a, server.Addr().String())}
		require.Equal(t, want, got, "a sees b, b sees a, a sees the server")
		conn, err := net.DialTimeout("tcp", a.Address()+":80", time.Second)
		require.NoError(t, err, "clients always reach a host")
		conn.Close()
	}
	require.Eventually(t, func() bool { return answers(a, b.Address()+":80") && answers(b, a.Address()+":80") }, 10*time.Second, 50*time.Millisecond)
	sees(true, true, true)
	require.NoError(t, a.Ignore(hosts...))
	sees(false, false, true)
	require.NoError(t, a.LoseServers())
	sees(false, false, false)
	require.NoError(t, a.Hear())
	sees(true, true, true)
}

func TestNetworksOfKilledProcessesAreRemoved(t *testing.T) {
	t.Parallel()
	n := startNetwork(t)
	h, err := n.Host()
	require.NoError(t, err)
	left := h.Command("sleep", "1000")
	require.NoError(t, left.Start())
	require.NoError(t, exclusively(func() error {
		sweepNetworks()
		require.Contains(t, string(listing()), h.space, "its maker lives")
		n.held.Close() // as when its process ends
		sweepNetworks()
		require.Error(t, left.Wait())
		require.NotRegexp(t, n.bridge()+`\b`, string(listing()))
		n.held = holdNumber(n.number)
		return nil
	}))
	require.NotNil(t, n.held)
}
