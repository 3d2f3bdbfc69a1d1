package messages

import (
	"math"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
)

// MaxSize is how many bytes a command or its answer may have, so that it passes
// between nodes, where all share one stream. Limits of the fields keep both below
// it, but for updates of documents; lists and files are read where they lie.
const MaxSize = 64 << 10

// MaxUpdate is how many bytes an update of a document may have. Pasted pictures are
// one, and cannot be sent in parts.
const MaxUpdate = 1 << 20

// MaxDocument is how many bytes a document may have, and what is sent of one at once
// by a client that was away.
const MaxDocument = 16 << 20

// SizeLimit is how many bytes a command may have when it is sent to another node.
func SizeLimit(c Command) int {
	if _, large := c.(*AppendUpdate); large {
		return MaxUpdate + MaxSize
	}
	return MaxSize
}

// MaxPatch is how many bytes a patch of preferences may have, spaces and what it
// removes included.
const MaxPatch = 48 << 10

// Command is a message to an entity. Commands that change state and those that
// only read are told apart by the kind that receives them.
type Command interface {
	proto.Message
	GetMeta() *Meta
}

// Keyed reports whether the command id was chosen by the client, so that its
// reply is kept for 24 hours.
func (m *Meta) Keyed() bool {
	id := m.GetCommandId()
	return len(id) > 2 && id[:2] == "k:"
}

// Retried reports whether an earlier attempt may have been carried out.
func (m *Meta) Retried() bool { return m.GetAttempt() > 0 }

// Remaining is the time the asker still waits.
func (m *Meta) Remaining() time.Duration {
	return time.Duration(m.GetRemainingUs()) * time.Microsecond
}

// Sampled reports whether a traceparent (W3C Trace Context) says that somebody
// records the trace.
func Sampled(trace string) bool {
	const flags = 54 // the second of two digits; sampled is its lowest bit
	if len(trace) <= flags {
		return false
	}
	return strings.IndexByte("13579bdf", trace[flags]) >= 0
}

// Micros is t in microseconds since the epoch, the unit of times in messages.
// The zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is the inverse of Micros, in UTC.
func Time(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// TimeLayout is RFC 3339 in UTC with microseconds.
const TimeLayout = "2006-01-02T15:04:05.000000Z"

// FormatTime renders t by TimeLayout; the zero time is "".
func FormatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return string(AppendTime(make([]byte, 0, len(TimeLayout)), t.UTC()))
}

// AppendTime renders t, which is in UTC, by TimeLayout. The standard library is
// fast with its own layouts only.
func AppendTime(b []byte, t time.Time) []byte {
	b = t.AppendFormat(b, time.RFC3339)
	b = append(b[:len(b)-1], ".000000Z"...)
	for at, us := len(b)-2, t.Nanosecond()/1000; us > 0; at, us = at-1, us/10 {
		b[at] = byte('0' + us%10)
	}
	return b
}

// ParseTime reads what FormatTime wrote; anything else is the zero time.
func ParseTime(s string) time.Time {
	t, err := time.Parse(TimeLayout, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Nowhere is a position that no document has: what is for it is refused, unless its
// command was carried out before. So one asks whether it was.
const Nowhere = math.MaxInt64
