package telemetry

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Requests count what the edge answers. They are the edge's Meter.
type Requests struct {
	Overloads
	served *prometheus.CounterVec
	took   *prometheus.HistogramVec

	limited map[string]prometheus.Counter
}

// Requests adds the metrics of requests, whose callers have budgets.
func (r *Registry) Requests(o Overloads, budgets ...string) *Requests {
	return &Requests{
		Overloads: o,
		limited:   children(r.counters("atelier_rate_limited_total", "Requests refused because their caller has used up a budget.", "budget"), budgets),
		served:    r.counters("http_requests_total", "Requests answered.", "method", "endpoint", "status"),
		took:      r.histograms("http_request_duration_seconds", "From the request's headers to its reply.", requestTimes, "method", "endpoint"),
	}
}

// statuses are those of HTTP, from 100 on.
const statuses = 500

// endpoint is what is known of one that has had requests.
type endpoint struct {
	took   prometheus.Observer
	served [statuses]atomic.Pointer[prometheus.Counter]
}

// Endpoint is whom to tell of requests of a method to an endpoint. Looking its
// metrics up costs more than counting, so that is done once for each status.
func (r *Requests) Endpoint(method, pattern string) func(status int, took time.Duration) {
	var first atomic.Pointer[endpoint] // with the first request: most endpoints of OPTIONS never have any
	return func(status int, took time.Duration) {
		e := first.Load()
		if e == nil {
			first.CompareAndSwap(nil, &endpoint{took: r.took.WithLabelValues(method, pattern)})
			e = first.Load()
		}
		served := &e.served[min(max(status-100, 0), statuses-1)]
		if served.Load() == nil {
			c := r.served.WithLabelValues(method, pattern, strconv.Itoa(status))
			served.Store(&c)
		}
		(*served.Load()).Inc()
		e.took.Observe(took.Seconds())
	}
}

// Limited counts a request refused because of its caller's budget.
func (r *Requests) Limited(budget string) { r.limited[budget].Inc() }

// Overloads count what was refused because a queue was full.
type Overloads struct{ refused map[string]prometheus.Counter }

// Overloads adds the metric of full queues.
func (r *Registry) Overloads(queues ...string) Overloads {
	return Overloads{children(r.counters("atelier_overloads_total", "Requests refused because a queue was full.", "queue"), queues)}
}

// Overloaded counts a refusal.
func (o Overloads) Overloaded(queue string) { o.refused[queue].Inc() }

// children are the counters of all values of a label, which are thus there before
// the first of them counts.
func children[K ~string](v *prometheus.CounterVec, values []K) map[K]prometheus.Counter {
	all := make(map[K]prometheus.Counter, len(values))
	for _, value := range values {
		all[value] = v.WithLabelValues(string(value))
	}
	return all
}
