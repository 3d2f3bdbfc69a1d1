package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"text/tabwriter"
	"time"

	"atelier/messages"
)

type outboxCommand struct {
	Status  outboxStatusCommand  `cmd:"" help:"Say how many events wait to be sent, and which streams have stopped."`
	Redrive outboxRedriveCommand `cmd:"" help:"Have parked streams go on, and send events again. Consumers know them by their ids."`
}

type outboxStatusCommand struct {
	opsSettings
	JSON bool `help:"Print JSON."`
}

// Run prints what the node on this machine knows.
func (c *outboxStatusCommand) Run(ctx context.Context) error { return c.print(ctx, os.Stdout) }

func (c *outboxStatusCommand) print(ctx context.Context, w io.Writer) error {
	text, err := c.ask(ctx, "GET", "/outbox")
	if err != nil {
		return err
	}
	if c.JSON {
		return indented(w, text)
	}
	var seen seenOutbox
	if err := json.Unmarshal(text, &seen); err != nil {
		return fmt.Errorf("the node's answer cannot be read: %w", err)
	}
	return seen.table(w)
}

// seenOutbox is what a node tells of its outbox.
type seenOutbox struct {
	Node   string
	Broker bool
	Away   float64 `json:"away_seconds"`
	Reason string
	Shards int
	Unsent int
	Lag    float64 `json:"lag_seconds"`
	Parked []struct {
		Stream, Type, Reason string
		Seq                  int64
		At                   time.Time `json:"parked_at"`
	}
}

func seconds(n float64) time.Duration {
	return time.Duration(n * float64(time.Second)).Round(time.Millisecond)
}

func (o *seenOutbox) table(w io.Writer) error {
	broker := "none: events are not sent (ATELIER_AMQP_URL)"
	switch {
	case o.Away > 0:
		broker = fmt.Sprintf("nothing can be sent for %s: %s", seconds(o.Away), o.Reason)
	case o.Broker:
		broker = "events are sent"
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "NODE\t%s\nBROKER\t%s\nSHARDS\t%d of %d\nUNSENT\t%d\nLAG\t%s\nPARKED\t%d\n",
		o.Node, broker, o.Shards, messages.OutboxShards, o.Unsent, seconds(o.Lag), len(o.Parked))
	if len(o.Parked) > 0 {
		fmt.Fprintln(t, "\nSTREAM\tSEQ\tTYPE\tSINCE\tREASON")
	}
	for _, p := range o.Parked {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\n", p.Stream, p.Seq, p.Type, p.At.UTC().Format(time.DateTime), p.Reason)
	}
	return t.Flush()
}

type outboxRedriveCommand struct {
	opsSettings
	Stream string        `help:"Only this stream, such as projects/0190a000-….  All by default." placeholder:"STREAM"`
	Since  time.Duration `help:"Also send again what was sent within this time, 24h at most: so long it is kept." placeholder:"1h"`
}

// Run has the node on this machine do it, for all nodes.
func (c *outboxRedriveCommand) Run(ctx context.Context) error { return c.print(ctx, os.Stdout) }

func (c *outboxRedriveCommand) print(ctx context.Context, w io.Writer) error {
	query := url.Values{"stream": {c.Stream}, "since": {c.Since.String()}}
	text, err := c.ask(ctx, "POST", "/outbox/redrive?"+query.Encode())
	if err != nil {
		return err
	}
	var done struct{ Streams, Events int }
	if err := json.Unmarshal(text, &done); err != nil {
		return fmt.Errorf("the node's answer cannot be read: %w", err)
	}
	_, err = fmt.Fprintf(w, "%d parked streams go on, %d events are sent again\n", done.Streams, done.Events)
	return err
}
