package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// chain is one in memory.
type chain struct {
	rows        []messages.AuditRow
	checkpoints []messages.AuditCheckpoint
	missing     int64
}

func (c *chain) AuditChain(_ context.Context, after int64, limit int) (all []messages.AuditRow, err error) {
	for _, r := range c.rows {
		if r.Seq > after && len(all) < limit {
			all = append(all, r)
		}
	}
	return all, nil
}

func (c *chain) AuditCheckpoints(_ context.Context, after int64, limit int) (all []messages.AuditCheckpoint, err error) {
	for _, p := range c.checkpoints {
		if p.Seq > after && len(all) < limit {
			all = append(all, p)
		}
	}
	return all, nil
}

func (c *chain) AuditMissing(context.Context) (n int64, example string, err error) {
	return c.missing, "users/x 1", nil
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func seed(b byte) []byte { return slices.Repeat([]byte{b}, 32) }

// newChain has groups of ten rows, a checkpoint behind each.
func newChain(k *Keys, groups int) *chain {
	c := &chain{}
	var last messages.AuditCheckpoint
	for g := range groups {
		var rows []messages.AuditRow
		for i := range 10 {
			rows = append(rows, messages.AuditRow{
				ID: fmt.Sprintf("%d-%d", g, i), At: start.Add(time.Duration(10*g+i) * time.Minute), Actor: "ada", Action: "session.opened", Target: "users/ada",
				Result: "done", IP: "::1", RequestID: "r", Detail: "{}",
			})
		}
		last = k.Seal(last, rows, start)
		c.rows, c.checkpoints = append(c.rows, rows...), append(c.checkpoints, last)
	}
	return c
}

// again makes the hashes from a row on follow each other.
func (c *chain) again(from int) {
	for i := from; i < len(c.rows); i++ {
		var before []byte
		if i > 0 {
			before = c.rows[i-1].Hash
		}
		c.rows[i].Hash = hash(before, &c.rows[i])
	}
}

func TestTamperingIsFound(t *testing.T) {
	t.Parallel()
	k := NewKeys(seed(1))
	whole := newChain(k, 3)
	report, err := Verify(t.Context(), whole, k, "")
	require.NoError(t, err)
	require.Empty(t, report.Faults)
	require.EqualValues(t, []int64{30, 3}, []int64{report.Rows, report.Checkpoints})
	noted := report.Head
	for name, tamper := range map[string]struct {
		change func(c *chain)
		found  string
	}{
		"nothing":                 {func(*chain) {}, ""},
		"an actor":                {func(c *chain) { c.rows[6].Actor = "eve" }, "row 7 is not what was written"},
		"a time":                  {func(c *chain) { c.rows[6].At = c.rows[6].At.Add(time.Microsecond) }, "row 7 is not"},
		"an action":               {func(c *chain) { c.rows[6].Action = "session.ended" }, "row 7 is not"},
		"a target":                {func(c *chain) { c.rows[6].Target = "users/eve" }, "row 7 is not"},
		"a result":                {func(c *chain) { c.rows[6].Result = "refused" }, "row 7 is not"},
		"a code":                  {func(c *chain) { c.rows[6].Code = "x" }, "row 7 is not"},
		"an address":              {func(c *chain) { c.rows[6].IP = "::2" }, "row 7 is not"},
		"a request":               {func(c *chain) { c.rows[6].RequestID = "" }, "row 7 is not"},
		"a detail":                {func(c *chain) { c.rows[6].Detail = `{"role":"admin"}` }, "row 7 is not"},
		"an id":                   {func(c *chain) { c.rows[6].ID = "x" }, "row 7 is not"},
		"between two fields":      {func(c *chain) { c.rows[6].Actor, c.rows[6].Action = "adasession", ".opened" }, "row 7 is not"},
		"a hash":                  {func(c *chain) { c.rows[6].Hash = seed(9) }, "row 7 is not"},
		"a row, and all hashes":   {func(c *chain) { c.rows[6].Actor = "eve"; c.again(6) }, "checkpoint 10 was signed for another row"},
		"a row is gone":           {func(c *chain) { c.rows = slices.Delete(c.rows, 6, 7) }, "rows 7 to 7 are missing"},
		"the first rows are gone": {func(c *chain) { c.rows = c.rows[2:] }, "rows 1 to 2 are missing"},
		"a group is gone": {func(c *chain) {
			c.rows = slices.Delete(c.rows, 10, 20)
			c.checkpoints = slices.Delete(c.checkpoints, 1, 2)
		}, "rows 11 to 20 are missing"},
		"a row is gone, renumbered": {func(c *chain) { c.rows = slices.Delete(c.rows, 6, 7); c.renumber(); c.again(6) }, "checkpoint 10 was signed for another row"},
		"a row is put in":           {func(c *chain) { c.rows = slices.Insert(c.rows, 6, messages.AuditRow{ID: "x"}); c.renumber() }, "row 7 is not"},
		"a row is put in, rehashed": {func(c *chain) {
			c.rows = slices.Insert(c.rows, 6, messages.AuditRow{ID: "x"})
			c.renumber()
			c.again(6)
		}, "checkpoint 10 was signed for another row"},
		"a row is put at the end":    {func(c *chain) { c.rows = append(c.rows, messages.AuditRow{ID: "x"}); c.renumber(); c.again(30) }, "rows from 31 on are behind the last checkpoint"},
		"two rows change places":     {func(c *chain) { c.rows[6], c.rows[7] = c.rows[7], c.rows[6]; c.renumber() }, "row 7 is not"},
		"they do, rehashed":          {func(c *chain) { c.rows[6], c.rows[7] = c.rows[7], c.rows[6]; c.renumber(); c.again(6) }, "checkpoint 10 was signed for another row"},
		"the end is cut off":         {func(c *chain) { c.rows = c.rows[:27] }, "the end is cut off: there is no row from 28 on, and checkpoint 30"},
		"all is cut off":             {func(c *chain) { c.rows = nil }, "the end is cut off"},
		"the end and its checkpoint": {func(c *chain) { c.rows, c.checkpoints, c.missing = c.rows[:20], c.checkpoints[:2], 10 }, "10 events have no row, such as users/x 1"},
		"a checkpoint is gone":       {func(c *chain) { c.checkpoints = c.checkpoints[:2] }, "rows from 21 on are behind the last checkpoint"},
		"a checkpoint's signature":   {func(c *chain) { c.checkpoints[1].Signature = make([]byte, 64) }, "checkpoint 20 is not signed"},
		"a checkpoint's time":        {func(c *chain) { c.checkpoints[1].At = start.Add(time.Hour) }, "checkpoint 20 is not signed"},
		"another's key":              {func(c *chain) { c.checkpoints[1] = NewKeys(seed(2)).Seal(c.checkpoints[0], c.rows[10:20], start) }, "checkpoint 20 is not signed"},
		"a checkpoint of elsewhere":  {func(c *chain) { c.checkpoints[1].Seq = 19 }, "checkpoint 19 is not signed"},
	} {
		c := &chain{checkpoints: slices.Clone(whole.checkpoints), rows: slices.Clone(whole.rows)}
		tamper.change(c)
		report, err := Verify(t.Context(), c, k, "")
		require.NoError(t, err)
		if tamper.found == "" {
			require.Empty(t, report.Faults)
			continue
		}
		require.NotEmpty(t, report.Faults, name)
		require.Contains(t, strings.Join(report.Faults, "\n"), tamper.found, name)
	}
	// Who cuts off the end, its checkpoints and what the log has of it is found by what was noted.
	cut := &chain{rows: whole.rows[:20], checkpoints: whole.checkpoints[:2]}
	report, err = Verify(t.Context(), cut, k, "")
	require.NoError(t, err)
	require.Empty(t, report.Faults)
	report, err = Verify(t.Context(), cut, k, noted)
	require.NoError(t, err)
	require.Equal(t, []string{"the noted checkpoint " + noted + " is not in the chain"}, report.Faults)
	for _, c := range whole.checkpoints {
		report, err = Verify(t.Context(), whole, k, Head(&c))
		require.NoError(t, err)
		require.Empty(t, report.Faults)
	}
}

func (c *chain) renumber() {
	for i := range c.rows {
		c.rows[i].Seq = int64(i + 1)
	}
}

// TestEarlierKeysAreKnown: after a rotation the old checkpoints are still good, as long
// as the old key is there.
func TestEarlierKeysAreKnown(t *testing.T) {
	t.Parallel()
	c := newChain(NewKeys(seed(1)), 2)
	both := NewKeys(seed(2), seed(1))
	more := []messages.AuditRow{{ID: "x", At: start}}
	c.checkpoints = append(c.checkpoints, both.Seal(c.checkpoints[1], more, start))
	c.rows = append(c.rows, more...)
	report, err := Verify(t.Context(), c, both, "")
	require.NoError(t, err)
	require.Empty(t, report.Faults)
	report, err = Verify(t.Context(), c, NewKeys(seed(2)), "")
	require.NoError(t, err)
	require.EqualValues(t, 2, report.Found)
}

// TestLongChainsAreReadInParts, and of many faults the first are told.
func TestLongChainsAreReadInParts(t *testing.T) {
	t.Parallel()
	k := NewKeys(seed(1))
	c := newChain(k, 250)
	report, err := Verify(t.Context(), c, k, "")
	require.NoError(t, err)
	require.Empty(t, report.Faults)
	require.EqualValues(t, 2500, report.Rows)
	for i := range c.rows {
		c.rows[i].Actor = "eve"
	}
	report, err = Verify(t.Context(), c, k, "")
	require.NoError(t, err)
	require.Len(t, report.Faults, faultsTold)
	require.EqualValues(t, 2500, report.Found)
}
