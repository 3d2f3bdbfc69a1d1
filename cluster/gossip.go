package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// Presets of the gossip: how patient it is with the network.
const (
	PresetLocal = "local" // one machine: a killed node is noticed in about 1.3 s
	PresetLAN   = "lan"   // one data centre: about 3 s
	PresetWAN   = "wan"   // several regions: about 15 s
)

// timing is memberlist's configuration for a preset. An accusation that another
// member confirms is believed after SuspicionMult probes, one that nobody
// confirms after four times as long: memberlist's six would leave a node that is
// cut off unaware for longer than the others take to replace it.
func timing(preset string) (*memberlist.Config, error) {
	c := memberlist.DefaultLANConfig()
	c.SuspicionMaxTimeoutMult = 4
	switch preset {
	case PresetLocal:
		c.ProbeInterval, c.ProbeTimeout, c.SuspicionMult = 250*time.Millisecond, 120*time.Millisecond, 3
		c.GossipInterval, c.PushPullInterval, c.TCPTimeout = 50*time.Millisecond, 15*time.Second, time.Second
	case PresetLAN:
		c.ProbeInterval, c.ProbeTimeout, c.SuspicionMult = 500*time.Millisecond, 250*time.Millisecond, 3
		c.GossipInterval, c.TCPTimeout = 100*time.Millisecond, 2*time.Second
	case PresetWAN:
		c.ProbeInterval, c.ProbeTimeout, c.SuspicionMult = 2*time.Second, time.Second, 5
		c.GossipInterval, c.GossipNodes, c.TCPTimeout = 300*time.Millisecond, 4, 5*time.Second
	default:
		return nil, fmt.Errorf("gossip preset %q: one of %s, %s, %s", preset, PresetLocal, PresetLAN, PresetWAN)
	}
	return c, nil
}

func (m *Membership) gossip(ctx context.Context) (*memberlist.Config, error) {
	c, err := timing(m.config.Preset)
	if err != nil {
		return nil, err
	}
	if c.BindAddr, c.BindPort, err = m.hostPort(ctx, m.config.Bind); err != nil {
		return nil, fmt.Errorf("bind the gossip to %q: %w", m.config.Bind, err)
	}
	c.AdvertisePort = c.BindPort
	if m.config.Advertise != "" {
		if c.AdvertiseAddr, c.AdvertisePort, err = m.hostPort(ctx, m.config.Advertise); err != nil {
			return nil, fmt.Errorf("advertise the gossip at %q: %w", m.config.Advertise, err)
		}
	}
	if len(m.config.Keys) > 0 {
		if m.ring, err = memberlist.NewKeyring(m.config.Keys, m.config.Keys[0]); err != nil {
			return nil, fmt.Errorf("gossip keys: %w", err)
		}
		c.Keyring = m.ring
	}
	c.Name = m.members.self
	c.Label = m.config.Cluster
	c.Delegate, c.Alive, c.Events = (*delegate)(m), (*delegate)(m), m.members
	c.Logger = log.New(&gossipLog{log: m.log, said: map[string]time.Time{}}, "", 0)
	return c, nil
}

// hostPort splits an address for memberlist, which knows no names of hosts.
func (m *Membership) hostPort(ctx context.Context, address string) (string, int, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("port %q: a number up to 65535", text)
	}
	if host == "" {
		host = netip.IPv4Unspecified().String()
	}
	ips, err := m.config.Seeds.lookup(ctx, host)
	if err != nil {
		return "", 0, err
	}
	return ips[0].String(), int(port), nil
}

// announcement is a node's metadata in the gossip. Fields are only added: nodes
// of two versions run together.
type announcement struct {
	Cluster  string `json:"c"`
	Name     string `json:"n"`
	Address  string `json:"a"`
	Started  int64  `json:"s"` // Unix nanoseconds
	Draining bool   `json:"d,omitempty"`
}

func (a announcement) node() Node {
	return Node{Name: a.Name, Address: a.Address, Started: time.Unix(0, a.Started).UTC(), Draining: a.Draining}
}

func readAnnouncement(meta []byte) (a announcement, err error) {
	if err = json.Unmarshal(meta, &a); err == nil && (a.Name == "" || a.Address == "") {
		err = errors.New("a node without a name or an address")
	}
	return a, err
}

func (m *Membership) announce(draining bool) []byte {
	self := m.config.Self
	meta, err := json.Marshal(announcement{m.config.Cluster, self.Name, self.Address, self.Started.UnixNano(), draining})
	if err != nil {
		panic(err) // strings, a number and a flag
	}
	return meta
}

// checkAnnouncement is here because memberlist panics on metadata too long.
func (m *Membership) checkAnnouncement() error {
	if n := len(m.announce(true)); n > memberlist.MetaMaxSize {
		return fmt.Errorf("the cluster's name, the node's and its address are %d bytes too long", n-memberlist.MetaMaxSize)
	}
	return nil
}

// delegate is how memberlist asks the Membership.
type delegate Membership

// NodeMeta is this node's announcement.
func (d *delegate) NodeMeta(int) []byte { return (*Membership)(d).announce(d.drains.Load()) }

// NotifyAlive refuses nodes of other clusters. The label keeps their packets out
// already; this keeps out what somebody passes on, and what cannot be read.
func (d *delegate) NotifyAlive(n *memberlist.Node) error {
	a, err := readAnnouncement(n.Meta)
	if err == nil && a.Cluster != d.config.Cluster {
		err = fmt.Errorf("of cluster %q", a.Cluster)
	}
	return err
}

// NotifyMsg is not used: nodes talk over their transport.
func (d *delegate) NotifyMsg([]byte) {}

// GetBroadcasts is not used.
func (d *delegate) GetBroadcasts(int, int) [][]byte { return nil }

// LocalState is not used.
func (d *delegate) LocalState(bool) []byte { return nil }

// MergeRemoteState is not used.
func (d *delegate) MergeRemoteState([]byte, bool) {}

// gossipLog passes memberlist's lines on: errors as warnings, since it recovers
// from all of them, the rest for debugging. An error that comes back within a
// minute is not shown again.
type gossipLog struct {
	log  *slog.Logger
	mu   sync.Mutex
	said map[string]time.Time
}

func (g *gossipLog) Write(line []byte) (int, error) {
	level, text := slog.LevelDebug, strings.TrimSpace(string(line))
	if mark, rest, ok := strings.Cut(text, "] "); ok && strings.HasPrefix(mark, "[") {
		text = strings.TrimPrefix(rest, "memberlist: ")
		if strings.HasPrefix(mark, "[ERR") && g.fresh(text) {
			level = slog.LevelWarn
		}
	}
	g.log.Log(context.Background(), level, "gossip: "+text)
	return len(line), nil
}

// fresh reports whether the last minute has not seen the text, whoever it was
// about.
func (g *gossipLog) fresh(text string) bool {
	text, _, _ = strings.Cut(text, " from=")
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	for known, at := range g.said {
		if now.Sub(at) > time.Minute {
			delete(g.said, known)
		}
	}
	_, known := g.said[text]
	if !known {
		g.said[text] = now
	}
	return !known
}
