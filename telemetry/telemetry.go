// Package telemetry makes Prometheus metrics of what the other packages count. It
// is the one place that knows Prometheus. Packages that have something to tell at
// every request tell it to a small interface of their own, which is implemented
// here; what can be looked up is read when somebody asks for the metrics.
//
// Names are docs/operations.md's. Values of labels are bounded: kinds, results,
// patterns of routes, names of nodes; never ids.
package telemetry

import (
	"bytes"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

// Registry has the metrics of one node.
type Registry struct {
	registry *prometheus.Registry
}

// New makes a Registry with what the Go runtime and the process tell of themselves.
func New(version string) *Registry {
	r := &Registry{prometheus.NewRegistry()}
	r.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	build := r.gauges("atelier_build_info", "The version that runs; always 1.", "version")
	build.WithLabelValues(version).Set(1)
	return r
}

var format = expfmt.NewFormat(expfmt.TypeTextPlain)

// Render is all metrics in the text format of Prometheus, and its content type.
func (r *Registry) Render() (text []byte, kind string, err error) {
	families, err := r.registry.Gather()
	if err != nil {
		return nil, "", err
	}
	var b bytes.Buffer
	encoder := expfmt.NewEncoder(&b, format)
	for _, f := range families {
		if err := encoder.Encode(f); err != nil {
			return nil, "", err
		}
	}
	return b.Bytes(), string(format), nil
}

// Describe implements prometheus.Collector's half: what there may be, whether it
// has a value by now or not.
func (r *Registry) Describe(all chan<- *prometheus.Desc) { r.registry.Describe(all) }

func (r *Registry) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	r.registry.MustRegister(c)
	return c
}

func (r *Registry) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	r.registry.MustRegister(c)
	return c
}

func (r *Registry) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	r.registry.MustRegister(g)
	return g
}

func (r *Registry) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	r.registry.MustRegister(h)
	return h
}

func (r *Registry) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	r.registry.MustRegister(h)
	return h
}

// Buckets, in seconds. A read from memory takes tens of microseconds, a commit some
// milliseconds, and nothing that somebody waits for more than its time of ten
// seconds.
var (
	requestTimes = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	waitTimes    = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	groupSizes   = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}
)
