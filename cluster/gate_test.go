package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"atelier/messages"
)

// A frozen node finds requests in its sockets when it goes on: those that were
// given up since are not carried out.
func TestOldRequestsAreNotCarriedOut(t *testing.T) {
	t.Parallel()
	now := time.Now()
	local := &entities{node: "a", done: map[string]int{}}
	transport := NewTransport(TransportConfig{Now: func() time.Time { return now }}, quietSystem(), silent())
	gate, err := NewGate(transport, local, func() View { return View{Self: "a", Nodes: []Node{{Name: "a"}}} }, silent())
	require.NoError(t, err)
	c := &messages.CreateProject{Meta: &messages.Meta{RemainingUs: 10_000_000}, ProjectId: id(1), Name: "x"}
	body, err := proto.Marshal(c)
	require.NoError(t, err)
	for age, carriedOut := range map[time.Duration]bool{lateAfter / 2: true, lateAfter + time.Millisecond: false, -time.Hour: true} {
		before := local.done["x"]
		_, err := gate.ask(&messages.Ask{Kind: "project", Id: id(1), Type: "atelier.messages.CreateProject", Command: body, SentUs: now.Add(-age).UnixMicro()})
		require.Equal(t, carriedOut, err == nil, age)
		require.Equal(t, carriedOut, local.done["x"] == before+1, age)
		require.True(t, err == nil || messages.HasCode(err, messages.CodeMoved))
	}
}
