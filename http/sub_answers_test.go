package http

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/http/limit"
	"atelier/messages"
)

// said are the messages that were written, in order.
func (s *script) said(t *testing.T) (all []map[string]any) {
	t.Helper()
	text := s.String()
	for len(text) > 0 {
		n, at := int(text[1]), 2
		if n == 126 {
			n, at = int(text[2])<<8|int(text[3]), 4
		}
		if opcode(text[0]&0xf) == opText {
			var m map[string]any
			require.NoError(t, json.Unmarshal([]byte(text[at:at+n]), &m))
			all = append(all, m)
		}
		text = text[at+n:]
	}
	return all
}

// written waits until nothing waits to be written.
func written(t *testing.T, s *socket) {
	t.Helper()
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.queue) == 0 && len(s.urgent) == 0 && !s.busy
	}, 10*time.Second, time.Millisecond)
}

// doubtfulProjects let everybody in until they do not.
type doubtfulProjects struct {
	fakeProjects
	gone *atomic.Bool
}

func (p doubtfulProjects) GetPermissions(context.Context, *messages.GetPermissions) (*messages.Permissions, error) {
	if p.gone.Load() {
		return nil, messages.Missing("project")
	}
	return &messages.Permissions{Role: "editor"}, nil
}

// TestHeadsOfLostProjectsAreNotTold: what happens in a project while a right to it is
// being asked for, the heartbeat and the answer to a ping that were about to go out
// keep to themselves when the right turns out to be over.
func TestHeadsOfLostProjectsAreNotTold(t *testing.T) {
	t.Parallel()
	s := newStage()
	var gone atomic.Bool
	s.deps.Projects = doubtfulProjects{gone: &gone}
	var watcher messages.Watcher
	s.hub.watch = func(w messages.Watcher) { watcher = w }
	ch, conn := s.channel(t)
	ch.greeted = true
	require.True(t, ch.heard([]byte(`{"id":1,"op":"sub","project":"`+someProject+`"}`)))
	written(t, ch.socket)

	ch.socket.stop() // another right is being asked for, too
	s.holdings.Revoke([]messages.Mark{{Project: someProject}})
	watcher.Committed(&messages.Batch{Events: []*messages.EventRecord{{Seq: 8}}})
	ch.beat()
	_, _ = ch.carryOut(t.Context(), &asked{Op: "ping"})
	gone.Store(true)
	s.holdings.Revoke([]messages.Mark{{Project: someProject}})
	require.Eventually(t, func() bool { return len(ch.all()) == 0 }, 10*time.Second, time.Millisecond)
	ch.socket.goOn()
	written(t, ch.socket)
	said := conn.said(t)
	last := said[len(said)-2:]
	require.Equal(t, map[string]any{"op": "pong", "head": map[string]any{}}, last[0])
	require.Equal(t, "revoked", last[1]["ev"])
	for _, m := range said {
		require.NotEqual(t, "heartbeat", m["ev"], "%v", m)
	}
}

// TestEverySubHasOneAnswer, whatever becomes of the subscription before it has gone out.
func TestEverySubHasOneAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		meanwhile func(s *stage, ch *channel, u *subscription, gone *atomic.Bool)
		code      string // of the answer; empty: it is what was asked for
	}{
		"nothing":        {func(*stage, *channel, *subscription, *atomic.Bool) {}, ""},
		"it is too slow": {func(_ *stage, _ *channel, u *subscription, _ *atomic.Bool) { u.Lost() }, messages.CodeOverloaded},
		"its right is taken": {func(s *stage, ch *channel, _ *subscription, gone *atomic.Bool) {
			gone.Store(true)
			s.holdings.Revoke([]messages.Mark{{Project: someProject}})
			require.Eventually(t, func() bool { return len(ch.all()) == 0 }, 10*time.Second, time.Millisecond)
		}, messages.CodeNotFound},
		"it is ended": {func(_ *stage, ch *channel, _ *subscription, _ *atomic.Bool) { ch.drop(someProject) }, messages.CodeInvalidState},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage()
			var gone atomic.Bool
			s.deps.Projects = doubtfulProjects{gone: &gone}
			ch, conn := s.channel(t)
			ch.greeted = true
			ch.socket.stop() // nothing goes out
			require.NoError(t, ch.sub(t.Context(), &asked{ID: []byte("1"), Op: "sub", Project: someProject}))
			test.meanwhile(s, ch, ch.subs[someProject], &gone)
			ch.socket.goOn()
			written(t, ch.socket)
			said := conn.said(t)
			require.Len(t, said, 1, "%v", said)
			require.EqualValues(t, 1, said[0]["re"])
			if test.code == "" {
				require.NotEmpty(t, said[0]["sub"])
				return
			}
			require.Equal(t, test.code, said[0]["err"].(map[string]any)["code"])
		})
	}
}

// TestSubsWithoutRoomAreRefused: where not even the answer has room the socket ends, and
// is not silent.
func TestSubsWithoutRoomAreRefused(t *testing.T) {
	t.Parallel()
	s := newStage()
	ch, _ := s.channel(t)
	ch.greeted = true
	ch.socket.limits.frames = 1
	ch.socket.mu.Lock()
	ch.socket.stopped++
	ch.socket.mu.Unlock()
	ch.say(framed(opText, []byte(`{}`)))
	err := ch.sub(t.Context(), &asked{ID: []byte("1"), Op: "sub", Project: someProject})
	require.Equal(t, messages.CodeOverloaded, messages.CodeOf(err))
	require.Empty(t, ch.subs)
}

// TestSubsThatAreRefusedCost, and those that are repeated: nobody looks for projects for
// nothing.
func TestSubsThatAreRefusedCost(t *testing.T) {
	t.Parallel()
	s := newStage()
	var gone atomic.Bool
	s.deps.Projects = doubtfulProjects{gone: &gone}
	alone, clock := func() int { return 1 }, func() time.Time { return time.Time{} }
	most := []messages.Limit{{Name: "minute", Most: 5, Window: time.Minute}}
	s.deps.Limits = &Limits{Users: limit.NewBudget("u", most, 10, alone, clock)}
	s.ofUsers = newLimited(BudgetUser, s.deps.Limits.Users)
	ch, _ := s.channel(t)
	sub := func(project string) string {
		err := ch.sub(t.Context(), &asked{ID: []byte("1"), Op: "sub", Project: project})
		if err == nil {
			return ""
		}
		return messages.CodeOf(err)
	}
	other := strings.Replace(someProject, "0001", "0009", 1)
	require.Empty(t, sub(someProject))
	require.Empty(t, sub(other), "what a page shows costs nothing")
	require.Empty(t, sub(someProject), "again: one")
	gone.Store(true)
	for i := range 4 {
		require.Equal(t, messages.CodeNotFound, sub(strings.Replace(someProject, "0001", "001"+string(rune('0'+i)), 1)))
	}
	require.Equal(t, messages.CodeRateLimited, sub(strings.Replace(someProject, "0001", "0020", 1)), "it is not told whether there is one")
	gone.Store(false)
	require.Equal(t, messages.CodeRateLimited, sub(strings.Replace(someProject, "0001", "0021", 1)), "nor looked")
	require.NotNil(t, ch.subs[someProject], "what it watches it watches on")
}
