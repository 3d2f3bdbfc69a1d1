package telemetry_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/telemetry"
)

// TestCountingAllocatesNothing: it happens at every request.
func TestCountingAllocatesNothing(t *testing.T) {
	r := telemetry.New("test")
	queues := r.Overloads("edge")
	requests := r.Requests(queues, "user")
	served := requests.Endpoint("GET", "/projects/{project_id}")
	calls := r.Calls(queues, "answered")
	entities := r.Entities(queues, "project")
	served(200, time.Millisecond)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		served(200, time.Millisecond)
		requests.Limited("user")
		calls.Called("answered", time.Millisecond)
		queues.Overloaded("edge")
		entities.Activated("project")
		entities.Committed(3, time.Millisecond)
		entities.HandedOver(true, time.Millisecond, false)
	}))
}

func BenchmarkServed(b *testing.B) {
	r := telemetry.New("test")
	served := r.Requests(r.Overloads("edge")).Endpoint("GET", "/projects/{project_id}")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			served(200, time.Millisecond)
		}
	})
}
