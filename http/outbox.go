package http

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"atelier/messages"
)

type outbox interface {
	// Outbox is what this node knows of events on their way out.
	Outbox(context.Context) (*messages.Outbox, error)
	// Redrive has parked streams go on and sends again what was sent since; of one
	// stream, or, where that is empty, of all.
	Redrive(ctx context.Context, stream string, since time.Duration) (streams, events int, err error)
}

type outboxBody struct {
	Node   string       `json:"node"`
	Broker bool         `json:"broker"`
	Away   float64      `json:"away_seconds"`
	Reason string       `json:"reason"`
	Shards int          `json:"shards"`
	Unsent int          `json:"unsent"`
	Lag    float64      `json:"lag_seconds"`
	Parked []parkedBody `json:"parked"`
}

type parkedBody struct {
	Stream  string `json:"stream"`
	EventID string `json:"event_id"`
	Seq     int64  `json:"seq"`
	Type    string `json:"type"`
	Reason  string `json:"reason"`
	At      string `json:"parked_at"`
}

type redrivenBody struct {
	Streams int `json:"streams"`
	Events  int `json:"events"`
}

// opsOutbox tells of the outbox on the operations listener.
func opsOutbox(o outbox) fiber.Handler {
	return func(f *fiber.Ctx) error {
		ctx, cancel := within(defaultWait)
		defer cancel()
		seen, err := o.Outbox(ctx)
		if err != nil {
			return fiber.NewError(fiber.StatusServiceUnavailable, "the outbox cannot be read")
		}
		body := outboxBody{
			Node: seen.Node, Broker: seen.Broker, Away: seen.Away.Seconds(), Reason: seen.Reason, Shards: seen.Shards, Unsent: seen.Unsent,
			Lag: seen.Lag.Seconds(), Parked: make([]parkedBody, 0, len(seen.Parked)),
		}
		for _, p := range seen.Parked {
			body.Parked = append(body.Parked, parkedBody{p.Stream, p.EventID, p.Seq, p.Type, p.Reason, timeText(p.At.UnixMicro())})
		}
		return sendValue(f, body)
	}
}

const redriveWait = time.Minute

// opsRedrive sends events again. It is not for browsers, as opsDrain is not.
func opsRedrive(o outbox) fiber.Handler {
	return func(f *fiber.Ctx) error {
		if f.Get(fiber.HeaderOrigin) != "" {
			return fiber.NewError(fiber.StatusForbidden, "this is not for browsers")
		}
		since, err := time.ParseDuration(f.Query("since", "0s"))
		if err != nil || since < 0 {
			return fiber.NewError(fiber.StatusBadRequest, "since must be a duration such as 1h30m")
		}
		ctx, cancel := within(redriveWait)
		defer cancel()
		streams, events, err := o.Redrive(ctx, f.Query("stream"), since)
		if err != nil {
			return fiber.NewError(fiber.StatusServiceUnavailable, "the database did not take all of it; ask again")
		}
		return sendValue(f, redrivenBody{streams, events})
	}
}
