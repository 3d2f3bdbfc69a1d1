package messages

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// TestTheAuditTellsNoMoreThanItMay: what it tells of events has no names, addresses
// or preferences, and what changes no right is not told.
func TestTheAuditTellsNoMoreThanItMay(t *testing.T) {
	t.Parallel()
	for e, want := range map[Event]string{
		&UserCreated{UserId: "u", Email: "ada@example.com", Name: "Ada"}:    `{"user_id":"u"}`,
		&UserUpdated{UserId: "u", Roles: []string{"admin"}}:                 `{"roles":["admin"],"user_id":"u"}`,
		&UserUpdated{UserId: "u", Name: proto.String("Ada")}:                "",
		&UserUpdated{UserId: "u", Preferences: proto.String(`{"roles":1}`)}: "",
		&SessionOpened{SessionId: "s", Ip: "::1", UserAgent: "browser"}:     `{"session_id":"s"}`,
		&ProjectRoleChanged{UserId: "u", Role: "admin"}:                     `{"role":"admin","user_id":"u"}`,
		&ProjectCreated{Name: "Harbour"}:                                    "",
		&ProjectUpdated{Name: proto.String("Harbour")}:                      "",
	} {
		require.Equal(t, want, AuditDetail(e), "%T", e)
	}
	for _, e := range loggedEvents() {
		kind := e.EventType()
		if detail := AuditDetail(e); kind != "user.updated" && (strings.HasPrefix(kind, "user.") || strings.HasPrefix(kind, "session.")) {
			require.NotEmpty(t, detail, kind)
		}
	}
}
