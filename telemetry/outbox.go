package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Outbox counts what the relay of the outbox does. It is the relay's Meter.
type Outbox struct {
	published, unrouted prometheus.Counter
	took, delivered     prometheus.Histogram
}

// Outbox adds the metrics of the outbox.
func (r *Registry) Outbox() *Outbox {
	return &Outbox{
		published: r.counter("atelier_outbox_published_total", "Events that the broker, or consumers in the process, have taken."),
		unrouted:  r.counter("atelier_outbox_returned_total", "Events that the broker returned because no queue wants them."),
		took:      r.histogram("atelier_outbox_publish_duration_seconds", "Publishing a batch, its confirms included.", waitTimes),
		delivered: r.histogram("atelier_outbox_delivery_seconds", "From the moment of an event until it was sent.", deliveryTimes),
	}
}

// deliveryTimes are those of events, which wait for as long as the broker is away.
var deliveryTimes = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600, 3600}

// Published implements outbox.Meter.
func (o *Outbox) Published(taken, unrouted int, took time.Duration) {
	o.published.Add(float64(taken))
	o.unrouted.Add(float64(unrouted))
	o.took.Observe(took.Seconds())
}

// Delivered implements outbox.Meter.
func (o *Outbox) Delivered(after time.Duration) { o.delivered.Observe(after.Seconds()) }
