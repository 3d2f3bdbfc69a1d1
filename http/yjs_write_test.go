package http

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
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
			wire: ysync.Plain(), socket: newSocket(&gauge{}, nil, yjsLimits, noLease{}.Trust), rooms: &yjsRooms{docs: docs}, right: &hold{table: NewHoldings(nil)},
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

func TestUpdatesThatComeMeanwhileAreWrittenTogether(t *testing.T) {
	t.Parallel()
	h := hostDocument(t)
	h.document.permits = make(chan struct{})
	x := ysync.Enveloped(someDocument)
	c := h.open(t, "/hocuspocus")
	c.send(x.Update([]byte("0"))) // waits to be let in
	c.send(auth(someDocument, ""))
	require.Equal(t, string(x.Granted(ysync.ReadWrite)), c.next())
	for _, u := range []string{"1", "2"} {
		c.send(x.Update([]byte(u)))
	}
	c.send([]byte{byte(ysync.Ping)})
	require.Equal(t, "\x0a", c.next(), "nothing is acknowledged that is not durable")
	h.document.permits <- struct{}{}
	require.Equal(t, string(x.Saved(true)), c.next())
	h.document.mu.Lock()
	h.document.refuse = func(u []byte) error {
		if string(u) == "2" {
			return messages.Invalid("", "format", "it is none")
		}
		return nil
	}
	h.document.mu.Unlock()
	close(h.document.permits)
	require.Equal(t, string(x.Saved(true)), c.next())
	require.Equal(t, string(x.Saved(false)), c.next())
	require.Equal(t, [][][]byte{{[]byte("0")}, {[]byte("1")}}, h.document.written(), "of those that came together each alone, since one was refused")
}

// What is refused among many does not have each of the others written alone.
func TestOneUpdateThatIsRefusedCostsLittle(t *testing.T) {
	t.Parallel()
	const many = 4096
	for name, test := range map[string]struct {
		bad  func(i int) bool
		most func(time.Duration) int32 // commands
	}{
		"one":  {func(i int) bool { return i == many/3 }, func(time.Duration) int32 { return 2 + 2*12 }},
		"many": {func(i int) bool { return i%2 == 0 }, func(took time.Duration) int32 { return 2 + 2*(faultBurst+askRate*int32(1+took/time.Second)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := hostDocument(t)
			h.document.permits = make(chan struct{})
			h.document.refuse = func(u []byte) error {
				if u[0] == 'b' {
					return messages.Invalid("", "format", "it is none")
				}
				return nil
			}
			x := ysync.Enveloped(someDocument)
			c := h.open(t, "/hocuspocus")
			c.send(auth(someDocument, ""))
			require.Equal(t, string(x.Granted(ysync.ReadWrite)), c.next())
			c.send(x.Update([]byte("good")))
			go func() {
				for i := range many {
					u := "good"
					if test.bad(i) {
						u = "bad"
					}
					_ = c.c.Write(t.Context(), websocket.MessageBinary, x.Update([]byte(u)))
				}
				_ = c.c.Write(t.Context(), websocket.MessageBinary, []byte{byte(ysync.Ping)})
			}()
			require.Equal(t, "\x0a", c.next(), "all of it waits")
			began := time.Now()
			close(h.document.permits)
			for range many + 1 {
				require.Contains(t, []string{string(x.Saved(true)), string(x.Saved(false))}, c.next())
			}
			require.LessOrEqual(t, h.document.asked.Load(), test.most(time.Since(began)))
		})
	}
}

func TestReadersAreToldOnce(t *testing.T) {
	t.Parallel()
	h := hostDocument(t)
	h.document.role = false
	x := ysync.Plain()
	c := h.open(t, "/yjs/"+someDocument)
	for range 3 {
		c.send(x.Update([]byte("no")))
	}
	require.Equal(t, string(x.Denied(messages.CodeForbidden)), c.next())
	c.synced(x, 0)
	require.Empty(t, h.document.written())
	h.document.mu.Lock()
	h.document.role = true // it has come back from the archive
	h.document.mu.Unlock()
	c.send(x.Update([]byte("yes")))
	require.Equal(t, string(x.Step1([]byte{1, 7, 0})), c.next(), "it brings what was refused")
	require.Eventually(t, func() bool { return len(h.document.written()) == 1 }, 10*time.Second, time.Millisecond)
}

// What a reader sends costs the node little, however much it is.
func TestReadersHaveFewLooksAtTheDocument(t *testing.T) {
	t.Parallel()
	h := hostDocument(t)
	h.document.role = false
	x := ysync.Enveloped(someDocument)
	c := h.open(t, "/hocuspocus")
	c.send(auth(someDocument, ""))
	require.Equal(t, string(x.Granted(ysync.ReadOnly)), c.next())
	c.send(x.Update([]byte{0, 0}))
	require.Equal(t, string(x.Saved(true)), c.next())
	const many = 100 * askBurst
	go func() {
		for range many {
			_ = c.c.Write(t.Context(), websocket.MessageBinary, x.Update([]byte("no")))
		}
	}()
	began := time.Now()
	for range many {
		require.Equal(t, string(x.Saved(false)), c.next())
	}
	h.document.mu.Lock()
	defer h.document.mu.Unlock()
	require.LessOrEqual(t, h.document.looked, askBurst+1+askRate*(1+int(time.Since(began)/time.Second)))
}
