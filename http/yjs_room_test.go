package http

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"atelier/http/ysync"
	"atelier/messages"
)

// Between the content and what follows there is no gap, and nothing comes twice.
func TestContentIsHandedOverWithoutAGap(t *testing.T) {
	t.Parallel()
	h := hostDocument(t)
	for _, path := range []string{"/yjs/" + someDocument, "/documents/" + someDocument + "/yjs"} {
		h.document.read = func([]byte) int64 {
			h.hub.commit(4, 5)
			h.hub.commit(6)
			return 5
		}
		c := h.open(t, path)
		x := ysync.Plain()
		c.synced(x, 5)
		require.Equal(t, string(x.Update([]byte{6, 'u'})), c.next())
		h.hub.commit(7, 8)
		require.Equal(t, string(x.Update([]byte{7, 'u'})), c.next())
		require.Equal(t, string(x.Update([]byte{8, 'u'})), c.next())
		require.NoError(t, c.c.Close(websocket.StatusNormalClosure, ""))
		require.Eventually(t, func() bool { return h.Sockets() == 0 }, 10*time.Second, time.Millisecond)
	}
}

// What was not told while nobody watched is made up for, by what all had before.
func TestWhatIsLostIsMadeUpFor(t *testing.T) {
	t.Parallel()
	h := hostDocument(t)
	x := ysync.Plain()
	c := h.open(t, "/yjs/"+someDocument)
	c.synced(x, 0)
	h.hub.commit(1)
	require.Equal(t, string(x.Update([]byte{1, 'u'})), c.next())
	h.document.read = func([]byte) int64 { return 9 }
	h.hub.watcher(0).Lost()
	require.Equal(t, string(x.Update([]byte{9, 'c'})), c.next())
	require.NotNil(t, h.hub.watcher(1))
	h.document.mu.Lock()
	require.Equal(t, []byte{1, 7, 0}, h.document.vectors[len(h.document.vectors)-1], "what the client had")
	h.document.mu.Unlock()
	h.hub.commit(10)
	require.Equal(t, string(x.Update([]byte{10, 'u'})), c.next())
}

// A watch that is lost before the room knows of it does not take the place of the next.
func TestTheLastWatchIsTheOneThatEnds(t *testing.T) {
	t.Parallel()
	h := hostDocument(t)
	h.hub.watched = func(w messages.Watcher) {
		w.Lost()
		require.Eventually(t, func() bool { said, _ := h.hub.did(); return said > 0 }, 10*time.Second, time.Millisecond, "the next watch has begun")
	}
	c := h.open(t, "/yjs/"+someDocument)
	c.synced(ysync.Plain(), 0)
	require.NoError(t, c.c.Close(websocket.StatusNormalClosure, ""))
	require.Eventually(t, func() bool {
		_, stopped := h.hub.did()
		return slices.Contains(stopped, 1)
	}, 10*time.Second, time.Millisecond)
}

// TestCrowdsAreToldLessOften: where many move nobody is told more than he can read.
func TestCrowdsAreToldLessOften(t *testing.T) {
	t.Parallel()
	h := hostDocument(t)
	h.open(t, "/yjs/"+someDocument).synced(ysync.Plain(), 0)
	room, _ := h.yjs.enter(someDocument)
	lately := func() int {
		room.mu.Lock()
		defer room.mu.Unlock()
		return room.lately
	}
	require.Equal(t, awarenessEvery, pauseAfter(lately()))
	var states []ysync.State
	for client := range uint64(40) {
		states = append(states, ysync.State{Client: client, Clock: 1, JSON: []byte(`{"x":"` + strings.Repeat("x", 4000) + `"}`)})
	}
	require.NoError(t, room.present.HearNode(ysync.Node{1}, ysync.EncodeStates(states), time.Now()))
	room.tellNow()
	require.Greater(t, pauseAfter(lately()), 600*time.Millisecond)
	require.Equal(t, awarenessLatest, pauseAfter(10*lately()))
}

// TestWhoIsAloneHearsSomething: a provider that hears nothing takes the connection for
// lost, and nobody else need be there or say that he is.
func TestWhoIsAloneHearsSomething(t *testing.T) {
	t.Parallel()
	h := hostDocument(t)
	c := h.open(t, "/yjs/"+someDocument)
	c.synced(ysync.Plain(), 0)
	h.beatAll()
	require.Equal(t, string(ysync.Plain().Awareness([]byte{0})), c.next())
}
