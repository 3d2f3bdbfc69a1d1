package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Mails count what becomes of mails. They are the sender's Meter.
type Mails struct {
	results map[string]prometheus.Counter
}

// Mails adds the metrics of mails, attempts at which end with one of the results.
func (r *Registry) Mails(results ...string) *Mails {
	return &Mails{children(r.counters("atelier_mails_total", "Attempts to send a mail, by what became of them.", "result"), results)}
}

// Mailed implements mail.Meter.
func (m *Mails) Mailed(result string) { m.results[result].Inc() }
