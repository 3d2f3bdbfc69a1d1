package persistencetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"atelier/actors/store"
)

// benchWriters write at the same time, as a node's do.
const benchWriters = 2

// Bench measures Write with groups of new projects, each with its event, its
// outbox row and its remembered command. One iteration is one project.
func Bench(b *testing.B, w store.Writer) {
	owner := newAccount("n1")
	owner.commit(b, w, start, registered(owner.fence.ID, address(owner.fence.ID)))
	for _, size := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("group=%d", size), func(b *testing.B) {
			var groups [][]*store.Commit
			for left := b.N; left > 0; left -= size {
				group := make([]*store.Commit, 0, size)
				for range min(size, left) {
					p := newProject("n1")
					f := p.fly(start.Add(time.Hour), created(p.fence.ID, owner.fence.ID, "A project")).keyed(owner.fence.ID, "m:"+newID())
					group = append(group, f.commit)
				}
				groups = append(groups, group)
			}
			b.ResetTimer()
			var writers sync.WaitGroup
			for writer := range benchWriters {
				writers.Go(func() {
					for i := writer; i < len(groups); i += benchWriters {
						results, err := w.Write(b.Context(), groups[i])
						if err != nil {
							b.Error(err)
						}
						for _, r := range results {
							if r.Err != nil {
								b.Error(r.Err)
							}
						}
					}
				})
			}
			writers.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "creates/s")
		})
	}
}
