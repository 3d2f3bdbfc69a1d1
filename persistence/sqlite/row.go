package sqlite

import (
	"database/sql/driver"
	"encoding/json"
	"time"

	"atelier/messages"
)

// row is one row of a query, read from left to right. The tables are strict, so
// a column has its type or is null, which reads as the zero value.
type row struct {
	values []driver.Value
	next   int
}

func (r *row) value() driver.Value {
	r.next++
	return r.values[r.next-1]
}

func (r *row) text() string {
	s, _ := r.value().(string)
	return s
}

func (r *row) int() int64 {
	n, _ := r.value().(int64)
	return n
}

func (r *row) blob() []byte {
	b, _ := r.value().([]byte)
	return nonNil(b) // the driver makes no difference
}

func (r *row) bool() bool      { return r.int() != 0 }
func (r *row) time() time.Time { return messages.Time(r.int()) }

func (r *row) json(into any) error { return json.Unmarshal([]byte(r.text()), into) }

// stamp is null for the zero time.
func stamp(t time.Time) any { return micros(messages.Micros(t)) }

// micros is null for 0.
func micros(us int64) any {
	if us == 0 {
		return nil
	}
	return us
}

// orNull is null for the empty text.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// encode is the JSON of plain fields, which always marshal.
func encode(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
