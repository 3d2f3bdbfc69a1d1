package outbox_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"atelier/actors/outbox"
	"atelier/messages"
	"atelier/persistence/persistencetest"
	"atelier/persistence/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counts is a Meter.
type counts struct{ taken, unrouted, delivered atomic.Int64 }

func (c *counts) Published(taken, unrouted int, _ time.Duration) {
	c.taken.Add(int64(taken))
	c.unrouted.Add(int64(unrouted))
}
func (c *counts) Delivered(time.Duration) { c.delivered.Add(1) }

// mailbox is a consumer that keeps what it gets.
type mailbox struct {
	mu    sync.Mutex
	got   []outbox.Event
	fail  func(outbox.Event) error
	tries int
}

func (m *mailbox) take(_ context.Context, e outbox.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tries++
	if m.fail != nil {
		if err := m.fail(e); err != nil {
			return err
		}
	}
	m.got = append(m.got, e)
	return nil
}

func (m *mailbox) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.got)
}

// of are the positions of a stream, in the order in which they came.
func (m *mailbox) of(stream string) (seqs []int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.got {
		if e.Stream == stream {
			seqs = append(seqs, e.Seq)
		}
	}
	return seqs
}

func database(t *testing.T) *sqlite.DB {
	path := filepath.Join(t.TempDir(), "atelier.db")
	_, err := sqlite.Migrate(t.Context(), path)
	require.NoError(t, err)
	db, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

// user commits a new user and returns his stream.
func user(t *testing.T, db *sqlite.DB) string {
	c := persistencetest.Registration()
	_, err := db.Write(t.Context(), persistencetest.Group(c))
	require.NoError(t, err)
	return c.Stream
}

func relay(t *testing.T, s outbox.Source, p outbox.Publisher, m outbox.Meter, log *slog.Logger) *outbox.Relay {
	config := outbox.LocalConfig("n1")
	config.Refusals, config.PollMin, config.PollMax = 4, 20*time.Millisecond, 20*time.Millisecond
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := outbox.New(config, s, p, m, log)
	r.Start(t.Context())
	r.Start(t.Context())
	t.Cleanup(func() {
		require.NoError(t, r.Stop(context.Background()))
		require.NoError(t, r.Stop(context.Background()))
	})
	return r
}

const soon, tick = 10 * time.Second, 5 * time.Millisecond

func TestConsumersGetWhatWasCommitted(t *testing.T) {
	t.Parallel()
	db, box, m := database(t), &mailbox{}, &counts{}
	before := user(t, db)
	r := relay(t, db.Outbox(), outbox.NewLocal(box.take), m, nil)
	require.Eventually(t, func() bool { return box.count() == 1 }, soon, tick)
	after := user(t, db)
	r.Hint(after)
	require.Eventually(t, func() bool { return box.count() == 2 && m.delivered.Load() == 2 }, soon, tick)
	require.Equal(t, []int64{1}, box.of(before))
	require.Equal(t, []int64{1}, box.of(after))
	require.EqualValues(t, 2, m.taken.Load())
	status := r.Status()
	require.Equal(t, outbox.Shards, status.Shards)
	require.Zero(t, status.Away)
}

// desk is a Source that knows whether somebody has said what he wants.
type desk struct {
	outbox.Source
	asked atomic.Bool
}

func (d *desk) Lease(ctx context.Context, node string, ttl time.Duration, broker bool, wanted *string) ([]outbox.Lease, int, error) {
	d.asked.Store(wanted != nil)
	return d.Source.Lease(ctx, node, ttl, broker, wanted)
}

// TestWhatIsWantedIsSaidBeforeAnythingIsCommitted: what nobody wants may not be kept.
func TestWhatIsWantedIsSaidBeforeAnythingIsCommitted(t *testing.T) {
	t.Parallel()
	source := &desk{Source: database(t).Outbox()}
	relay(t, source, outbox.NewLocal((&mailbox{}).take), &counts{}, nil)
	require.True(t, source.asked.Load())
}

func TestEventsThatNobodyWantsAreDiscarded(t *testing.T) {
	t.Parallel()
	db := database(t)
	for range 5 {
		user(t, db)
	}
	relay(t, db.Outbox(), nil, &counts{}, nil)
	require.Eventually(t, func() bool {
		b, err := db.Outbox().Backlog(t.Context(), nil)
		require.NoError(t, err)
		return b.Unsent == 0
	}, soon, tick)
}

// TestAPoisonousEventStopsItsStreamAlone: refused over and over it is parked, with
// an alarm; others go on; taken up again, it is sent in its place.
func TestAPoisonousEventStopsItsStreamAlone(t *testing.T) {
	t.Parallel()
	db, logs := database(t), &logbook{}
	bad := user(t, db)
	var healed atomic.Bool
	box := &mailbox{fail: func(e outbox.Event) error {
		if e.Stream == bad && !healed.Load() {
			return errors.New("poison")
		}
		return nil
	}}
	r := relay(t, db.Outbox(), outbox.NewLocal(box.take), &counts{}, slog.New(slog.NewTextHandler(logs, nil)))
	good := user(t, db)
	require.Eventually(t, func() bool { return len(box.of(good)) == 1 }, soon, tick)
	parked := func() []messages.ParkedStream {
		list, err := db.Outbox().Parked(t.Context())
		require.NoError(t, err)
		return list
	}
	require.Eventually(t, func() bool { return len(parked()) == 1 }, 30*time.Second, tick)
	require.Equal(t, bad, parked()[0].Stream)
	require.Equal(t, 1, strings.Count(logs.String(), "level=ERROR"), logs.String())
	more := user(t, db)
	r.Hint(more)
	require.Eventually(t, func() bool { return len(box.of(more)) == 1 }, soon, tick)
	require.Empty(t, box.of(bad))
	healed.Store(true)
	_, _, err := db.Outbox().Redrive(t.Context(), outbox.Redrive{})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(box.of(bad)) == 1 }, soon, tick)
}

// objecting is a broker that ends the channel for one event.
type objecting struct {
	outbox.Publisher
	to string // stream
}

func (o *objecting) Publish(ctx context.Context, lane int, batch []outbox.Message) ([]outbox.Outcome, error) {
	at := slices.IndexFunc(batch, func(m outbox.Message) bool { return m.Stream == o.to })
	switch {
	case at < 0:
		return o.Publisher.Publish(ctx, lane, batch)
	case len(batch) == 1:
		return []outbox.Outcome{outbox.Refused}, nil
	}
	outcomes, err := o.Publisher.Publish(ctx, lane, batch[:at])
	return outcomes, errors.Join(err, &outbox.ChannelError{Cause: errors.New("too large")})
}

// TestAnEventThatEndsChannels is found among the others, which go on.
func TestAnEventThatEndsChannels(t *testing.T) {
	t.Parallel()
	db, box := database(t), &mailbox{}
	var streams []string
	for range 40 {
		streams = append(streams, user(t, db))
	}
	relay(t, db.Outbox(), &objecting{outbox.NewLocal(box.take), streams[20]}, &counts{}, nil)
	require.Eventually(t, func() bool {
		parked, err := db.Outbox().Parked(t.Context())
		require.NoError(t, err)
		return box.count() == len(streams)-1 && len(parked) == 1 && parked[0].Stream == streams[20]
	}, 30*time.Second, tick)
}

// away is a publisher that nothing gets through for a while.
type away struct {
	outbox.Publisher
	gone  atomic.Bool
	tries atomic.Int64
}

func (a *away) Publish(ctx context.Context, lane int, batch []outbox.Message) ([]outbox.Outcome, error) {
	a.tries.Add(1)
	if a.gone.Load() {
		return nil, errors.New("gone")
	}
	return a.Publisher.Publish(ctx, lane, batch)
}

// TestAnOutageIsLoggedOnce, hints do not hurry it, and all comes after it.
func TestAnOutageIsLoggedOnce(t *testing.T) {
	t.Parallel()
	db, box, logs := database(t), &mailbox{}, &logbook{}
	p := &away{Publisher: outbox.NewLocal(box.take)}
	p.gone.Store(true)
	r := relay(t, db.Outbox(), p, &counts{}, slog.New(slog.NewTextHandler(logs, nil)))
	var streams []string
	for range 200 {
		streams = append(streams, user(t, db))
		r.Hint(streams[len(streams)-1])
	}
	require.Eventually(t, func() bool { return p.tries.Load() >= 3 }, soon, tick)
	require.Less(t, p.tries.Load(), int64(20), "tried again and again")
	require.Equal(t, "gone", r.Status().Reason)
	p.gone.Store(false)
	require.Eventually(t, func() bool { return box.count() == len(streams) }, soon, tick)
	require.Eventually(t, func() bool { return r.Status().Reason == "" }, soon, tick)
	require.Equal(t, 1, strings.Count(logs.String(), "cannot be sent now"), logs.String())
	require.Equal(t, 1, strings.Count(logs.String(), "sent again"), logs.String())
}

// logbook keeps what is logged.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
