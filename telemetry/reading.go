package telemetry

import "github.com/prometheus/client_golang/prometheus"

// reading is a metric that is looked up whenever somebody asks.
type reading struct {
	description *prometheus.Desc
	is          prometheus.ValueType
	read        func(value func(v float64, labels ...string))
}

// Gauge adds a metric that goes up and down. read calls value for each set of label
// values; it may be called at any time, from any goroutine.
func (r *Registry) Gauge(name, help string, labels []string, read func(value func(v float64, labels ...string))) {
	r.registry.MustRegister(&reading{prometheus.NewDesc(name, help, labels, nil), prometheus.GaugeValue, read})
}

// Counter adds a metric that only goes up while the process runs, as Gauge does.
func (r *Registry) Counter(name, help string, labels []string, read func(value func(v float64, labels ...string))) {
	r.registry.MustRegister(&reading{prometheus.NewDesc(name, help, labels, nil), prometheus.CounterValue, read})
}

// Describe implements prometheus.Collector.
func (r *reading) Describe(all chan<- *prometheus.Desc) { all <- r.description }

// Collect implements prometheus.Collector.
func (r *reading) Collect(all chan<- prometheus.Metric) {
	r.read(func(v float64, labels ...string) {
		all <- prometheus.MustNewConstMetric(r.description, r.is, v, labels...)
	})
}
