package services

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// ErrNoNetworks is why StartNetwork cannot make one: it takes root, with the
// right to make network namespaces.
var ErrNoNetworks = errors.New("services: networks that can be cut need root, with the right to make network namespaces")

// Network is a bridge with hosts behind it, each in a network namespace of its
// own and cut off from any other at will. This machine is on it with two
// addresses: one for clients and one for servers, so that a host can lose the
// servers and still be asked by clients.
//
// It ends with this process: while that lives it holds the network's number, and
// whoever makes the next network removes those whose number is free.
type Network struct {
	number int
	held   net.Listener
	hosts  []*Host
	names  *Names // nil: hosts ask whom this machine asks
}

// maxNetworks is how many there can be at a time. Their addresses are those that
// RFC 2544 sets apart for tests of networks.
const maxNetworks = 250

// StartNetwork makes a network without hosts. Stop ends it.
func StartNetwork() (*Network, error) {
	if err := mayMakeNetworks(); err != nil {
		return nil, err
	}
	for _, debian := range []string{"iproute2", "nftables"} {
		if err := install(debian); err != nil {
			return nil, err
		}
	}
	n := &Network{}
	return n, exclusively(func() error {
		sweepNetworks()
		for n.number = range maxNetworks {
			if n.held = holdNumber(n.number); n.held != nil {
				return n.start()
			}
		}
		return fmt.Errorf("services: there are %d networks already", maxNetworks)
	})
}

// mayMakeNetworks asks by trying.
var mayMakeNetworks = sync.OnceValue(func() error {
	probe := exec.Command("true")
	probe.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if err := probe.Run(); err != nil {
		return fmt.Errorf("%w: %w", ErrNoNetworks, err)
	}
	return nil
})

func (n *Network) start() error {
	// With an address of its own: else it takes one of its ports', another one when a
	// host is added, and the hosts go on with the old.
	hardware := fmt.Sprintf("02:61:74:65:6c:%02x", n.number)
	err := ip("", "link add "+n.bridge()+" address "+hardware+" type bridge", "addr add "+n.address(1)+"/24 dev "+n.bridge(),
		"addr add "+n.address(2)+"/24 dev "+n.bridge(), "link set "+n.bridge()+" up")
	if err != nil {
		n.Stop()
	}
	return err
}

// Stop ends what runs on the hosts, and the network.
func (n *Network) Stop() {
	if n.names != nil {
		n.names.conn.Close()
	}
	removeNetwork(n.number)
	n.held.Close()
}

func (n *Network) address(host int) string { return fmt.Sprintf("198.18.%d.%d", n.number, host) }

// Servers is the address of this machine for servers that hosts ask.
func (n *Network) Servers() string { return n.address(2) }

func (n *Network) bridge() string { return networkName(n.number) }

const networkPrefix = "atelier-"

func networkName(number int) string { return networkPrefix + strconv.Itoa(number) }

// Host is a machine of its own, as far as the network goes.
type Host struct {
	network *Network
	space   string
	address string
	deaf    []string // to these addresses; mute likewise
	mute    []string
}

// Host adds a host.
func (n *Network) Host() (*Host, error) {
	number := len(n.hosts) + 1
	h := &Host{network: n, space: fmt.Sprintf("%s.%d", n.bridge(), number), address: n.address(10 + number)}
	n.hosts = append(n.hosts, h)
	if n.names != nil {
		if err := h.askNames(); err != nil {
			return nil, err
		}
	}
	if err := ip("", "netns add "+h.space, "link add "+h.space+" type veth peer name eth0 netns "+h.space, "link set "+h.space+" master "+n.bridge()+" up"); err != nil {
		return nil, err
	}
	return h, ip(h.space, "addr add "+h.address+"/24 dev eth0", "link set eth0 up", "link set lo up")
}

// Address is the host's, an IP address.
func (h *Host) Address() string { return h.address }

// Command is a command that runs on the host. Its process is the program's own.
func (h *Host) Command(name string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", h.space, name}, args...)...)
}

// Ignore has the host receive nothing any more that comes from these others.
// They hear it as before, unless they ignore it too.
func (h *Host) Ignore(others ...*Host) error {
	for _, o := range others {
		if o != h {
			h.deaf = append(h.deaf, o.address)
		}
	}
	return h.filter()
}

// LoseServers cuts the host off from the servers of this machine.
func (h *Host) LoseServers() error {
	h.deaf, h.mute = append(h.deaf, h.network.Servers()), append(h.mute, h.network.Servers())
	return h.filter()
}

// Hear ends all that the host ignores or has lost.
func (h *Host) Hear() error {
	h.deaf, h.mute = nil, nil
	return h.filter()
}

// filter has packets dropped without a word. What others send is dropped here,
// where it arrives; servers are on a machine that has no filter, so that what is
// meant for them is dropped where it leaves.
func (h *Host) filter() error {
	rules := "flush ruleset\n"
	for _, chain := range []struct {
		hook, end string
		addresses []string
	}{{"input", "saddr", h.deaf}, {"output", "daddr", h.mute}} {
		if len(chain.addresses) > 0 {
			rules += fmt.Sprintf("table ip cut { chain %s { type filter hook %[1]s priority 0; ip %s { %s } drop; }; }\n", chain.hook, chain.end, strings.Join(chain.addresses, ", "))
		}
	}
	return feed(h.Command("nft", "-f", "-"), rules)
}

// ip runs commands of iproute2, in a namespace unless its name is empty.
func ip(space string, commands ...string) error {
	args := []string{"-batch", "-"}
	if space != "" {
		args = append([]string{"-netns", space}, args...)
	}
	return feed(exec.Command("ip", args...), strings.Join(commands, "\n")+"\n")
}

func feed(cmd *exec.Cmd, input string) error {
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("services: %s: %w\n%s\n%s", strings.Join(cmd.Args, " "), err, input, bytes.TrimSpace(out))
	}
	return nil
}

// holdNumber takes the number of a network; nil where a living process has it.
func holdNumber(number int) net.Listener {
	l, err := net.Listen("unix", fmt.Sprintf("@%snetwork-%d", prefix, number))
	if err != nil {
		return nil
	}
	return l
}

// sweepNetworks removes what killed processes have left.
func sweepNetworks() {
	for _, number := range networksThere() {
		if l := holdNumber(number); l != nil {
			removeNetwork(number)
			l.Close()
		}
	}
}

var networkPart = regexp.MustCompile(`\b` + networkPrefix + `(\d+)(\.\d+)?\b`)

// networksThere are the numbers of networks that left anything.
func networksThere() (numbers []int) {
	for _, part := range networkPart.FindAllSubmatch(listing(), -1) {
		number, _ := strconv.Atoi(string(part[1]))
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

func listing() []byte {
	spaces, _ := exec.Command("ip", "netns", "list").Output()
	links, _ := exec.Command("ip", "-oneline", "link", "show").Output()
	return append(spaces, links...)
}

// removeNetwork removes all that bears the number. Links go by name, since those
// of a namespace that is removed linger for a while.
func removeNetwork(number int) {
	var parts []string
	for _, part := range networkPart.FindAllSubmatch(listing(), -1) {
		if string(part[1]) == strconv.Itoa(number) {
			parts = append(parts, string(part[0]))
		}
	}
	slices.Sort(parts)
	for _, part := range slices.Compact(parts) {
		for _, pid := range strings.Fields(output("ip", "netns", "pids", part)) {
			id, _ := strconv.Atoi(pid)
			_ = syscall.Kill(id, syscall.SIGKILL)
		}
		_ = exec.Command("ip", "link", "delete", part).Run()
		_ = exec.Command("ip", "netns", "delete", part).Run()
		_ = os.RemoveAll(filepath.Join(spaceFiles, part))
	}
}

func output(name string, args ...string) string {
	out, _ := exec.Command(name, args...).Output()
	return string(out)
}
