package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
)

// tellTimeout bounds how long a node waits until the others have been told that
// it drains or leaves.
const tellTimeout = 2 * time.Second

// MembershipConfig says who this node is and how it finds the others.
type MembershipConfig struct {
	Cluster   string   // nodes of another cluster are refused
	Self      Node     // Draining is not looked at: Drain says it
	Bind      string   // host:port of the gossip, TCP and UDP
	Advertise string   // host:port under which others reach it; empty: the bound one, for 0.0.0.0 a private address of the machine
	Preset    string   // PresetLocal, PresetLAN or PresetWAN
	Seeds     Seeds    // some of the others; none: others come to this node
	Keys      [][]byte // 16, 24 or 32 bytes each: the first encrypts the gossip, all decrypt it; none: plaintext
}

// Membership keeps the view of who is in the cluster, between Start and Leave.
//
// Two goroutines are its own: one computes the view and tells it, the other
// looks for members that are missing. memberlist has its own.
type Membership struct {
	config  MembershipConfig
	log     *slog.Logger
	changed func(View)

	members *members
	list    *memberlist.Memberlist // set by Start
	address string                 // of the gossip, as others reach it; set by Start
	ring    *memberlist.Keyring    // nil where the gossip is plaintext; set by Start
	view    atomic.Pointer[View]   // the last one told; written by Start, then by publish
	search  search                 // belongs to Start, then to rejoin

	drains  atomic.Bool // announced with the metadata
	telling sync.Mutex  // one announcement at a time
	told    bool        // the others know that this node drains; under telling
	rotate  sync.Mutex  // one change of the keys at a time
	quit    chan struct{}
	running sync.WaitGroup
	leave   sync.Once
}

// NewMembership makes a node that is in no cluster yet. Whenever the view has
// changed, and once after the start, changed is called with it, from one
// goroutine: while it runs the next view waits. It must not alter the view.
func NewMembership(config MembershipConfig, changed func(View), log *slog.Logger) *Membership {
	m := &Membership{config: config, log: log, changed: changed, quit: make(chan struct{})}
	m.members = newMembers(config.Self)
	m.search = search{silent: map[string]bool{}, aliases: map[string]time.Time{}}
	m.view.Store(&View{Self: config.Self.Name})
	return m
}

// Start binds the gossip's port and asks the seeds once. Seeds that do not
// answer are no error: the first node of a cluster finds none, and they are
// asked again.
func (m *Membership) Start(ctx context.Context) error {
	if err := m.check(); err != nil {
		return err
	}
	config, err := m.gossip(ctx)
	if err != nil {
		return err
	}
	list, err := memberlist.Create(config)
	if err != nil {
		return fmt.Errorf("gossip on %s: %w", m.config.Bind, err)
	}
	self := list.LocalNode()
	if self.Addr.IsUnspecified() {
		_ = list.Shutdown()
		return fmt.Errorf("gossip on %s: others cannot reach %s: an address to advertise is needed", m.config.Bind, self.Addr)
	}
	m.list, m.address = list, self.Address()
	m.log.Info("gossip", "cluster", m.config.Cluster, "address", m.address, "encrypted", m.ring != nil)
	m.join(ctx)
	view := m.members.view()
	m.view.Store(&view)
	m.running.Go(m.publish)
	m.running.Go(m.rejoin)
	return nil
}

func (m *Membership) check() error {
	switch {
	case m.config.Cluster == "":
		return errors.New("a cluster needs a name")
	case m.config.Self.Name == "" || m.config.Self.Address == "" || m.config.Self.Started.IsZero():
		return errors.New("a node of a cluster needs a name, an address and a start")
	}
	return m.checkAnnouncement()
}

// View is the last view that was told. It must not be altered.
func (m *Membership) View() View { return *m.view.Load() }

// Address is where others reach this node's gossip, once it has started.
func (m *Membership) Address() string { return m.address }

// Drain tells the others that this node owns nothing any more, and returns when
// they have been told. With an error some may learn of it later. It may be
// called again.
func (m *Membership) Drain() error {
	m.drains.Store(true)
	return m.tell(tellTimeout)
}

func (m *Membership) tell(timeout time.Duration) error {
	m.telling.Lock()
	defer m.telling.Unlock()
	if m.told || m.list == nil {
		return nil
	}
	if err := m.list.UpdateNode(timeout); err != nil {
		return fmt.Errorf("tell the cluster that this node drains: %w", err)
	}
	m.told = true
	return nil
}

// Leave tells the others that this node goes, and ends the gossip. No view is
// told once it has returned. It may be called again.
func (m *Membership) Leave(ctx context.Context) error {
	var err error
	m.leave.Do(func() {
		close(m.quit)
		if m.list == nil {
			return
		}
		m.drains.Store(true) // so that nobody looks for it
		err = errors.Join(m.tell(remaining(ctx)), m.list.Leave(remaining(ctx)), m.list.Shutdown())
		m.running.Wait()
	})
	return err
}

func remaining(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return tellTimeout
	}
	return max(min(time.Until(deadline), tellTimeout), time.Millisecond) // zero would be for ever
}

// publish tells the views, one after another.
func (m *Membership) publish() {
	last := m.View()
	m.report(last)
	for {
		select {
		case <-m.quit:
			return
		case <-m.members.signal:
		}
		view := m.members.view()
		if slices.Equal(view.Nodes, last.Nodes) {
			continue
		}
		m.view.Store(&view)
		m.report(view)
		last = view
	}
}

func (m *Membership) report(view View) {
	var names []string
	for _, n := range view.Nodes {
		names = append(names, n.Name)
	}
	m.log.Info("members of the cluster", "nodes", names)
	if self, _ := view.Node(view.Self); !self.Started.Equal(m.config.Self.Started) {
		m.log.Warn("a newer process has this node's name", "node", view.Self, "address", self.Address, "started", self.Started)
	}
	m.changed(view)
}
