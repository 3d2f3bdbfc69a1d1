package cluster

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// BenchmarkHop is a call to an entity on another node that answers at once: what
// the way costs. This process is one node, another process the other.
func BenchmarkHop(b *testing.B) {
	p, err := nodeConfig{Name: "a", Bind: "127.0.0.1:0"}.start()
	require.NoError(b, err)
	defer func() { require.NoError(b, p.transport.Stop(context.Background())) }()
	other := begin(b, nodeConfig{Name: "b"})
	self := &node{Node: Node{Name: "a", Address: p.transport.Address()}}
	nodes := []Node{self.Node, other.Node}
	p.caller.Changed(View{Self: "a", Nodes: nodes})
	other.do(b, order{View: &View{Self: "b", Nodes: nodes}})
	there := owned(other, self)
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			b.ReportAllocs()
			var wg sync.WaitGroup
			for i := range callers {
				wg.Go(func() {
					for n := i; n < b.N; n += callers {
						hop(b, p.caller, there)
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "µs/call")
		})
	}
}

func hop(b *testing.B, c *Caller, id string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	m, err := c.Call(ctx, "project", id, &messages.CreateProject{Meta: &messages.Meta{RemainingUs: 10_000_000}, ProjectId: id, Name: "x"})
	if _, ok := m.(*messages.Project); !ok {
		b.Error(m, err)
	}
}
