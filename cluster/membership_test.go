package cluster

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is for machines that do other things as well.
const patience = 20 * time.Second

func silent() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func minimal() MembershipConfig {
	return MembershipConfig{
		Cluster: "test", Bind: "127.0.0.1:0", Preset: PresetLocal,
		Self: Node{Name: "a", Address: "a.example:9000", Started: time.Now()},
	}
}

// joins starts a member on a port of its own, which leaves at the test's end.
func joins(t *testing.T, name string, change func(*MembershipConfig), told ...func(View)) *Membership {
	t.Helper()
	config := minimal()
	config.Self.Name, config.Self.Address = name, name+".example:9000"
	if change != nil {
		change(&config)
	}
	changed := func(v View) {
		for _, f := range told {
			f(v)
		}
	}
	m := NewMembership(config, changed, silent())
	require.NoError(t, m.Start(t.Context()))
	t.Cleanup(func() { _ = m.Leave(context.Background()) })
	return m
}

// by gives a member seeds.
func by(t *testing.T, addresses ...string) func(*MembershipConfig) {
	t.Helper()
	seeds, err := ParseSeeds(strings.Join(addresses, ","))
	require.NoError(t, err)
	return func(c *MembershipConfig) { c.Seeds = seeds }
}

func trio(t *testing.T) (a, b, c *Membership) {
	t.Helper()
	a = joins(t, "a", nil)
	b = joins(t, "b", by(t, a.Address()))
	c = joins(t, "c", by(t, a.Address(), b.Address()))
	for _, m := range []*Membership{a, b, c} {
		sees(t, m, "a", "b", "c")
	}
	return a, b, c
}

func names(v View) (names []string) {
	for _, n := range v.Nodes {
		names = append(names, n.Name)
	}
	return names
}

func sees(t *testing.T, m *Membership, want ...string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Join(names(m.View()), " ") == strings.Join(want, " ") },
		patience, 5*time.Millisecond, "%s sees not %v", m.config.Self.Name, want)
}

// crash ends a member without a word.
func crash(t *testing.T, m *Membership) {
	t.Helper()
	m.leave.Do(func() {
		close(m.quit)
		m.running.Wait()
		require.NoError(t, m.list.Shutdown())
	})
}

func TestMembersFindEachOther(t *testing.T) {
	t.Parallel()
	a, b, c := trio(t)
	require.Equal(t, a.View().Nodes, b.View().Nodes)
	require.Equal(t, a.View().Nodes, c.View().Nodes)
	for _, m := range []*Membership{a, b, c} {
		self, ok := m.View().Node(m.config.Self.Name)
		require.True(t, ok)
		require.Equal(t, plain(m.config.Self), self)
	}
}

func TestTheViewIsThereAfterTheStart(t *testing.T) {
	t.Parallel()
	a := joins(t, "a", nil)
	b := joins(t, "b", by(t, a.Address()))
	require.Equal(t, []string{"a", "b"}, names(b.View()))
}

func TestEachViewIsToldOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var told []View
	a := joins(t, "a", nil, func(v View) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, v)
	})
	b := joins(t, "b", by(t, a.Address()))
	sees(t, a, "a", "b")
	require.NoError(t, b.Leave(t.Context()))
	sees(t, a, "a")
	require.NoError(t, a.Leave(t.Context()))
	require.Equal(t, []string{"a"}, names(told[0]))
	require.Equal(t, []string{"a"}, names(told[len(told)-1]))
	require.LessOrEqual(t, len(told), 4, "alone, together, b drains, alone")
	for i := 1; i < len(told); i++ {
		require.NotEqual(t, told[i-1].Nodes, told[i].Nodes)
	}
}

func TestAMemberThatLeavesIsGoneAtOnce(t *testing.T) {
	t.Parallel()
	wan := func(c *MembershipConfig) { c.Preset = PresetWAN }
	a := joins(t, "a", wan)
	seed := by(t, a.Address())
	b := joins(t, "b", func(c *MembershipConfig) { wan(c); seed(c) })
	c := joins(t, "c", func(c *MembershipConfig) { wan(c); seed(c) })
	sees(t, b, "a", "b", "c")
	begun := time.Now()
	require.NoError(t, c.Leave(t.Context()))
	sees(t, a, "a", "b")
	sees(t, b, "a", "b")
	require.Less(t, time.Since(begun), 8*time.Second, "told: to find out takes longer")
	require.NoError(t, c.Leave(t.Context()), "again")
	require.Empty(t, a.members.missing(nil), "nobody looks for it")
}

func TestAMemberThatDiesIsNoticed(t *testing.T) {
	t.Parallel()
	a, b, c := trio(t)
	crash(t, c)
	begun := time.Now()
	sees(t, a, "a", "b")
	sees(t, b, "a", "b")
	t.Logf("noticed after %v", time.Since(begun).Round(10*time.Millisecond))
}

func TestAMemberThatDrainsOwnsNothing(t *testing.T) {
	t.Parallel()
	a, b, c := trio(t)
	require.NoError(t, c.Drain())
	require.NoError(t, c.Drain(), "again")
	for _, m := range []*Membership{a, b, c} {
		require.Eventually(t, func() bool { n, _ := m.View().Node("c"); return n.Draining }, patience, 5*time.Millisecond)
		for i := range 100 {
			owner, ok := m.View().Owner("project", id(i))
			require.True(t, ok)
			require.NotEqual(t, "c", owner.Name)
		}
	}
}

func TestAnotherClusterStaysOut(t *testing.T) {
	t.Parallel()
	a := joins(t, "a", nil)
	other := by(t, a.Address())
	b := joins(t, "b", func(c *MembershipConfig) { other(c); c.Cluster = "other" })
	apart(t, a, b)
}

// apart holds that two members which try to join each other do not: each has
// made an attempt that failed.
func apart(t *testing.T, a, b *Membership) {
	t.Helper()
	for range 3 {
		n, err := b.list.Join([]string{a.Address()})
		require.Error(t, err)
		require.Zero(t, n)
	}
	require.Equal(t, []string{"a"}, names(a.members.view()))
	require.Equal(t, []string{"b"}, names(b.members.view()))
}

func TestAnAnnouncementOfAnotherClusterIsRefused(t *testing.T) {
	t.Parallel()
	a, b := joins(t, "a", nil), joins(t, "b", func(c *MembershipConfig) { c.Cluster = "other" })
	self := *b.list.LocalNode()
	require.ErrorContains(t, (*delegate)(a).NotifyAlive(&self), `"other"`)
	require.NoError(t, (*delegate)(b).NotifyAlive(&self))
	self.Meta = []byte("{}")
	require.Error(t, (*delegate)(b).NotifyAlive(&self))
}

func TestANewIncarnationReplacesTheOld(t *testing.T) {
	t.Parallel()
	a, _, c := trio(t)
	old := c.config.Self
	crash(t, c)
	seed := by(t, a.Address())
	again := joins(t, "c", func(config *MembershipConfig) { seed(config); config.Self.Address = "elsewhere:9000" })
	elsewhere := func() bool { n, _ := a.View().Node("c"); return n.Address == "elsewhere:9000" }
	require.Eventually(t, elsewhere, patience, time.Millisecond)
	require.Eventually(t, func() bool { return !a.members.knows(incarnation(old)) }, patience, 5*time.Millisecond, "found dead")
	sees(t, a, "a", "b", "c")
	require.True(t, elsewhere(), "the death of the old one is not that of the new one")
	require.Empty(t, a.members.missing(nil), "and nobody looks for it")
	n, _ := again.View().Node("c")
	require.Equal(t, "elsewhere:9000", n.Address)
}

func (m *members) knows(incarnation string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.known[incarnation]
	return ok
}

func TestMembersThatStartedApartFindEachOther(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "seeds")
	a, b := joins(t, "a", by(t, "file:"+file)), joins(t, "b", by(t, "file:"+file))
	require.Equal(t, []string{"a"}, names(a.View()))
	require.Equal(t, []string{"b"}, names(b.View()))
	require.NoError(t, os.WriteFile(file, []byte("# members\n"+a.Address()+"\n"), 0o600))
	sees(t, a, "a", "b")
	sees(t, b, "a", "b")
}

// A split is made with keys: what one side says is noise to the other. They find
// each other without seeds.
func TestASplitHeals(t *testing.T) {
	t.Parallel()
	a := joins(t, "a", encrypted(nil, key(1)))
	file := filepath.Join(t.TempDir(), "seeds")
	require.NoError(t, os.WriteFile(file, []byte(a.Address()), 0o600))
	b := joins(t, "b", encrypted(by(t, "file:"+file), key(1)))
	sees(t, a, "a", "b")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.NoError(t, b.SetKeys([][]byte{key(2)}))
	sees(t, a, "a")
	sees(t, b, "b")
	require.NoError(t, b.SetKeys([][]byte{key(1)}))
	sees(t, a, "a", "b")
	sees(t, b, "a", "b")
}

// memberlist itself goes on gossiping to the dead for a while, which heals short
// splits, but only by UDP, save for a last probe: who dials again is looking for
// the lost.
func TestALostMemberIsLookedFor(t *testing.T) {
	t.Parallel()
	a := joins(t, "a", nil)
	b := joins(t, "b", by(t, a.Address()))
	sees(t, a, "a", "b")
	crash(t, b)
	sees(t, a, "a")
	ears, err := net.Listen("tcp", b.Address())
	require.NoError(t, err)
	t.Cleanup(func() { _ = ears.Close() })
	require.NoError(t, ears.(*net.TCPListener).SetDeadline(time.Now().Add(patience)))
	for range 2 {
		conn, err := ears.Accept()
		require.NoError(t, err)
		require.NoError(t, conn.Close())
	}
}

func TestASilentSeedIsSaidOnce(t *testing.T) {
	t.Parallel()
	seed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = seed.Close() })
	var asked atomic.Int32
	go func() {
		for {
			conn, err := seed.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			_ = conn.Close()
		}
	}()
	var out written
	config := minimal()
	by(t, seed.Addr().String(), "file:/nowhere")(&config)
	m := NewMembership(config, func(View) {}, slog.New(slog.NewTextHandler(&out, nil)))
	require.NoError(t, m.Start(t.Context()))
	require.Eventually(t, func() bool { return asked.Load() >= 3 }, patience, 10*time.Millisecond)
	require.NoError(t, m.Leave(t.Context()))
	require.Equal(t, 1, strings.Count(out.String(), "no member of the cluster answers"), out.String())
	require.Equal(t, 1, strings.Count(out.String(), "WARN"), out.String())
	require.Equal(t, 1, strings.Count(out.String(), "entry=file:/nowhere"), out.String())
}

type written struct {
	mu   sync.Mutex
	text strings.Builder
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func TestAConfigurationThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*MembershipConfig){
		"needs a name":   func(c *MembershipConfig) { c.Cluster = "" },
		"an address":     func(c *MembershipConfig) { c.Self.Address = "" },
		"bytes too long": func(c *MembershipConfig) { c.Self.Name = strings.Repeat("n", 500) },
		`preset "moon"`:  func(c *MembershipConfig) { c.Preset = "moon" },
		"bind":           func(c *MembershipConfig) { c.Bind = "127.0.0.1" },
		"advertise":      func(c *MembershipConfig) { c.Advertise = "127.0.0.1:http" },
		"gossip keys":    func(c *MembershipConfig) { c.Keys = [][]byte{[]byte("short")} },
		"cannot reach":   func(c *MembershipConfig) { c.Advertise = "0.0.0.0:7946" },
	} {
		config := minimal()
		change(&config)
		m := NewMembership(config, func(View) {}, silent())
		require.ErrorContains(t, m.Start(t.Context()), want)
		require.NoError(t, m.Drain())
		require.NoError(t, m.Leave(t.Context()))
	}
}
