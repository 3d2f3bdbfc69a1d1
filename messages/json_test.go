package messages

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// fill gives every field of a message a value; texts get this one.
func fill(m protoreflect.Message, text string) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.IsMap():
		case f.IsList() && f.Kind() == protoreflect.StringKind:
			list := m.Mutable(f).List()
			list.Append(protoreflect.ValueOfString(text))
			list.Append(protoreflect.ValueOfString("second"))
		case f.IsList():
		case f.Kind() == protoreflect.MessageKind:
			fill(m.Mutable(f).Message(), text)
		case f.Kind() == protoreflect.StringKind:
			m.Set(f, protoreflect.ValueOfString(text))
		case f.Kind() == protoreflect.BoolKind:
			m.Set(f, protoreflect.ValueOfBool(text != ""))
		case f.Kind() == protoreflect.Int32Kind:
			m.Set(f, protoreflect.ValueOfInt32(int32(-len(text))))
		}
	}
}

// samples are events of all kinds: empty ones, full ones, and with texts of all sorts.
func samples() (all []Event) {
	for _, kind := range loggedEvents() {
		all = append(all, kind)
		for _, text := range []string{"", "plain", "Ünï\x00\u2028<&>\"\\\xff"} {
			e := reflect.New(reflect.TypeOf(kind).Elem()).Interface().(Event)
			fill(e.ProtoReflect(), text)
			all = append(all, e)
		}
	}
	return append(all, &ProjectCreated{Description: proto.String(""), Settings: &SettingsChange{Public: proto.Bool(false)}})
}

// TestRenderedByHandIsWhatTheTypesSay: the events that are rendered without reflection
// look as they do with it.
func TestRenderedByHandIsWhatTheTypesSay(t *testing.T) {
	t.Parallel()
	for _, e := range samples() {
		switch e.(type) {
		case *ProjectCreated, *ProjectCollaboratorAdded, *ProjectCollaboratorRemoved:
			want, err := json.Marshal(e)
			require.NoError(t, err)
			got, err := EventData(e)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got))
		}
	}
}

// TestTheAuditTellsWhatTheLogSays: what the audit tells of an event is a part of what
// the log has of it.
func TestTheAuditTellsWhatTheLogSays(t *testing.T) {
	t.Parallel()
	told := []string{"session_id", "user_id", "role", "roles", "reason", "until", "invitation_id"}
	seen := map[string]bool{}
	for _, e := range samples() {
		detail := AuditDetail(e)
		if updated, is := e.(*UserUpdated); detail == "" || is && updated.Preferences != nil {
			continue
		}
		data, err := EventData(e)
		require.NoError(t, err)
		all, want := map[string]any{}, map[string]any{}
		require.NoError(t, json.Unmarshal(data, &all))
		for _, name := range told {
			if value, has := all[name]; has {
				want[name], seen[name] = value, true
			}
		}
		text, err := json.Marshal(want)
		require.NoError(t, err)
		require.JSONEq(t, string(text), detail, "%T", e)
	}
	require.Len(t, seen, len(told))
}
