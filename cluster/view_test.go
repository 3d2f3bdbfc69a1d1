package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func viewOf(n int) (v View) {
	for i := range n {
		v.Nodes = append(v.Nodes, Node{Name: fmt.Sprintf("atelier-%d", i), Address: fmt.Sprintf("127.0.0.1:%d", 9100+i)})
	}
	return v
}

const placed = 100_000

func id(i int) string { return fmt.Sprintf("00000000-0000-7000-8000-%012x", i) }

func TestOwnersAreSpreadEvenly(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 4, 5, 8, 13, 20} {
		v, owns := viewOf(n), map[string]int{}
		for i := range placed {
			owner, ok := v.Owner("project", id(i))
			require.True(t, ok)
			owns[owner.Name]++
		}
		for name, count := range owns {
			require.InEpsilon(t, placed/n, count, 0.05, "%s of %d", name, n)
		}
	}
}

func TestANodeThatGoesMovesOnlyItsOwn(t *testing.T) {
	t.Parallel()
	before, left := viewOf(5), viewOf(4)
	draining := viewOf(5)
	draining.Nodes[4].Draining = true
	for i := range 10_000 {
		was, _ := before.Owner("project", id(i))
		is, _ := left.Owner("project", id(i))
		drained, _ := draining.Owner("project", id(i))
		require.Equal(t, is.Name, drained.Name, "a node that drains owns what one that left does: nothing")
		if was.Name != "atelier-4" {
			require.Equal(t, was.Name, is.Name)
		}
	}
}

func TestTheUnmetOwnNothing(t *testing.T) {
	t.Parallel()
	v, left := viewOf(3), viewOf(2)
	v.Nodes[2].Unmet = true
	for i := range 1000 {
		is, _ := v.Owner("project", id(i))
		without, _ := left.Owner("project", id(i))
		require.Equal(t, without.Name, is.Name)
	}
	for i := range v.Nodes {
		v.Nodes[i].Draining = i < 2
	}
	is, _ := v.Owner("project", id(1))
	require.NotEqual(t, "atelier-2", is.Name, "where all others drain neither")
}

func TestSomebodyOwnsWhereAllDrain(t *testing.T) {
	t.Parallel()
	v := viewOf(2)
	was, _ := v.Owner("project", id(1))
	for i := range v.Nodes {
		v.Nodes[i].Draining = true
	}
	is, ok := v.Owner("project", id(1))
	require.True(t, ok)
	require.Equal(t, was.Name, is.Name)
	_, ok = View{}.Owner("project", id(1))
	require.False(t, ok)
}

func TestWhoOwnsNothingChangesNoOwners(t *testing.T) {
	t.Parallel()
	v, other := viewOf(3), viewOf(4)
	require.False(t, v.SameOwners(other))
	other.Nodes[3].Unmet = true
	require.True(t, v.SameOwners(other))
	other.Nodes[0].Started = other.Nodes[0].Started.Add(time.Hour)
	require.True(t, v.SameOwners(other), "owners are found by name")
	other.Nodes[0].Draining = true
	require.False(t, v.SameOwners(other))
}
