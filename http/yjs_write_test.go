package http

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/http/ysync"
	"atelier/messages"
)

// departures are documents that take a millisecond for a flight of updates, and note
// when it left, and with how many.
type departures struct {
	documents
	began time.Time
	left  []departure
}

type departure struct {
	at      time.Duration
	updates int
}

func (d *departures) AppendUpdates(_ context.Context, _ *messages.AppendUpdate, updates [][]byte) error {
	d.left = append(d.left, departure{time.Since(d.began), len(updates)})
	time.Sleep(time.Millisecond)
	return nil
}

// TestUpdatesThatComeFastLeaveTogether: behind a flight of several the next one waits a
// moment, and behind one of a single update it does not.
func TestUpdatesThatComeFastLeaveTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		docs := &departures{began: time.Now()}
		m := &yjsMember{
			wire: ysync.Plain(), socket: newSocket(&gauge{}, nil, yjsLimits, noLease{}.Trust), rooms: &yjsRooms{docs: docs}, right: &hold{},
			grant: &messages.Grant{Write: true}, end: func(error) {},
		}
		m.freed.L = &m.mu
		m.socket.in(alwaysHeld)
		at := func(us int64) { time.Sleep(time.UnixMicro(us).Sub(time.UnixMicro(0)) - time.Since(docs.began)) }
		for _, us := range []int64{0, 500, 500, 500, 3_000, 3_500, 10_000, 20_000} {
			at(us)
			m.write([]byte{0, 0})
		}
		at(30_000)
		synctest.Wait()
		require.Equal(t, []departure{
			{0, 1},                     // at once
			{time.Millisecond, 3},      // what came meanwhile, at once
			{4 * time.Millisecond, 2},  // landed after two, and has waited
			{12 * time.Millisecond, 1}, // the last were two
			{20 * time.Millisecond, 1}, // the last was one
		}, docs.left)
	})
}
