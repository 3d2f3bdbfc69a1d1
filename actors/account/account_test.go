package account_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"atelier/actors/account"
	"atelier/messages"
	"atelier/test/script"
)

type machine struct{ *account.State }

func (m machine) Decide(c messages.Command, now time.Time) ([]messages.Event, error) {
	switch c := c.(type) {
	case *messages.RegisterAccount:
		return account.Register(m.State, c, now)
	case *messages.RegisterAgain:
		return account.RegisterAgain(m.State, c, now)
	case *messages.RequestVerification:
		return account.RequestVerification(m.State, c, now)
	case *messages.WelcomeUser:
		return account.Welcome(m.State, c, now)
	case *messages.VerifyEmail:
		return account.VerifyEmail(m.State, c, now)
	case *messages.RequestPasswordReset:
		return account.RequestPasswordReset(m.State, c, now)
	case *messages.ResetPassword:
		return account.ResetPassword(m.State, c, now)
	case *messages.ChangeEmail:
		return account.ChangeEmail(m.State, c, now)
	case *messages.ConfirmEmail:
		return account.ConfirmEmail(m.State, c, now)
	case *messages.OpenSession:
		return account.Open(m.State, c, now)
	case *messages.EndSession:
		return account.End(m.State, c, now)
	case *messages.EndOtherSessions:
		return account.EndOthers(m.State, c, now)
	case *messages.UpdateAccount:
		return account.Update(m.State, c, now)
	case *messages.UpdatePreferences:
		return account.UpdatePreferences(m.State, c, now)
	case *messages.ChangePassword:
		return account.ChangePassword(m.State, c, now)
	case *messages.SetRoles:
		return account.SetRoles(m.State, c, now)
	case *messages.ActivateUser:
		return account.Activate(m.State, c, now)
	case *messages.SuspendUser:
		return account.Suspend(m.State, c, now)
	case *messages.ReactivateUser:
		return account.Reactivate(m.State, c, now)
	case *messages.DeleteAccount:
		return account.Delete(m.State, c, now)
	case *messages.DeactivateUser:
		return account.Deactivate(m.State, c, now)
	default:
		return nil, fmt.Errorf("no rule for %T", c)
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	script.Run(t, "testdata", func() script.Machine { return machine{&account.State{}} })
}

func TestNormaliseEmail(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"Ann@Example.com":           "ann@example.com",
		"  ann@example.com ":        "ann@example.com",
		"ANN+tag@EXAMPLE.com":       "ann+tag@example.com",
		"jose\u0301@example.com":    "jos\u00e9@example.com",
		"ann@b\u00fccher.example":   "ann@xn--bcher-kva.example",
		"ann@B\u00dcCHER.example":   "ann@xn--bcher-kva.example",
		"ann@xn--bcher-kva.example": "ann@xn--bcher-kva.example",
		"a@localhost":               "a@localhost",
	} {
		got, err := account.NormaliseEmail(typed)
		require.NoError(t, err, typed)
		require.Equal(t, want, got, typed)
		again, err := account.NormaliseEmail(got)
		require.NoError(t, err)
		require.Equal(t, got, again, "normalising is idempotent")
	}
	for _, typed := range []string{
		"", "ann", "@example.com", "ann@", "ann@host", "a b@example.com", "ann@exa mple.com", "<ann@example.com>", "Ann <ann@example.com>",
		"ann@example.com, bob@example.com", "ann@example..com", "ann\n@example.com", strings.Repeat("a", 250) + "@example.com",
	} {
		_, err := account.NormaliseEmail(typed)
		require.True(t, messages.HasCode(err, messages.CodeValidationFailed), "%q", typed)
	}
}

func registered(t *testing.T) machine {
	m := machine{&account.State{}}
	events, err := account.Register(m.State, &messages.RegisterAccount{UserId: "u", Email: "u@example.com", Name: "U", Activate: true}, time.Unix(0, 0))
	require.NoError(t, err)
	apply(m, events, time.Unix(1000, 0))
	return m
}

func apply(m machine, events []messages.Event, at time.Time) {
	for _, e := range events {
		version, seq := m.Head()
		m.Apply(e, messages.Stamp{At: at, Version: version, Seq: seq + 1})
	}
}

func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	m := registered(t)
	now := time.Unix(2000, 0)
	for i := range account.MaxSessions + 5 {
		now = now.Add(time.Second)
		events, err := account.Open(m.State, &messages.OpenSession{SessionId: fmt.Sprintf("s%04d", i), CredentialVersion: 1, LifetimeUs: int64(time.Hour * 24 / time.Microsecond)}, now)
		require.NoError(t, err)
		apply(m, events, now)
		require.LessOrEqual(t, len(m.Sessions), account.MaxSessions)
	}
	require.NotContains(t, m.Sessions, messages.SessionID("s0004"), "the oldest ended")
	require.Contains(t, m.Sessions, messages.SessionID("s0005"))
	events, err := account.Open(m.State, &messages.OpenSession{SessionId: "late", CredentialVersion: 1, LifetimeUs: 1}, now.Add(48*time.Hour))
	require.NoError(t, err)
	require.Len(t, events, account.MaxSessions+1, "the expired ones end with the next sign-in")
}

func TestASessionCarriesTheAuthEpochOfItsPlace(t *testing.T) {
	t.Parallel()
	m := registered(t)
	now := time.Unix(2000, 0)
	admin := &messages.Meta{Roles: []string{"admin"}}
	opened, err := account.Open(m.State, &messages.OpenSession{SessionId: "s", CredentialVersion: 1, LifetimeUs: 1e9}, now)
	require.NoError(t, err)
	apply(m, opened, now)
	suspended, err := account.Suspend(m.State, &messages.SuspendUser{Meta: admin, Reason: "r"}, now)
	require.NoError(t, err)
	apply(m, suspended, now)
	change := account.Changes(m.State, append(opened, suspended...)).(*account.Change)
	require.Equal(t, m.AuthEpoch-1, change.Opened[0].AuthEpoch, "the suspension came after the session")
}

func TestTheAccountKnowsWhichSessionsAreOpen(t *testing.T) {
	t.Parallel()
	m := registered(t)
	now := time.Unix(2000, 0)
	events, err := account.Open(m.State, &messages.OpenSession{SessionId: "s", CredentialVersion: 1, LifetimeUs: 1e9}, now)
	require.NoError(t, err)
	apply(m, events, now)
	ask := func(session string) error {
		_, err := account.View(m.State, &messages.GetAccount{Meta: &messages.Meta{Principal: "u"}, SessionId: session}, now)
		return err
	}
	require.NoError(t, ask("s"))
	require.NoError(t, ask(""))
	require.True(t, messages.HasCode(ask("t"), messages.CodeSessionRevoked))
	events, err = account.End(m.State, &messages.EndSession{Meta: &messages.Meta{Principal: "u"}, SessionId: "s"}, now)
	require.NoError(t, err)
	apply(m, events, now)
	require.True(t, messages.HasCode(ask("s"), messages.CodeSessionRevoked))
}

func TestSuspensionRunsOut(t *testing.T) {
	t.Parallel()
	m := registered(t)
	now := time.Unix(2000, 0).UTC()
	events, err := account.Suspend(m.State, &messages.SuspendUser{Meta: &messages.Meta{Roles: []string{"admin"}}, Reason: "r", Until: messages.Micros(now.Add(time.Hour))}, now)
	require.NoError(t, err)
	apply(m, events, now)
	open := &messages.OpenSession{SessionId: "s", CredentialVersion: 1, LifetimeUs: 1e9}
	_, err = account.Open(m.State, open, now.Add(time.Hour-1))
	require.True(t, messages.HasCode(err, messages.CodeUserSuspended))
	_, err = account.Open(m.State, open, now.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, account.Active, m.StatusAt(now.Add(time.Hour)))

	// From then on the moves are those of the status before.
	boss := &messages.Meta{Roles: []string{"admin"}}
	_, err = account.Reactivate(m.State, &messages.ReactivateUser{Meta: boss}, now.Add(time.Hour))
	require.True(t, messages.HasCode(err, messages.CodeInvalidState))
	m.StatusBefore = account.Inactive
	_, err = account.Deactivate(m.State, &messages.DeactivateUser{Meta: boss}, now.Add(time.Hour))
	require.True(t, messages.HasCode(err, messages.CodeInvalidState))
	events, err = account.Reactivate(m.State, &messages.ReactivateUser{Meta: boss}, now.Add(time.Hour))
	require.NoError(t, err)
	apply(m, events, now)
	require.Equal(t, account.Active, m.StatusAt(now.Add(time.Hour)))
}

func TestMergePatch(t *testing.T) {
	t.Parallel()
	// The examples of RFC 7396, appendix A, whose results are objects.
	for _, c := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{`{}`, `{"html":"<b>&</b>"}`, `{"html":"<b>&</b>"}`},
		{`{}`, `{"n":12345678901234567890}`, `{"n":12345678901234567890}`},
	} {
		m := registered(t)
		m.Preferences = c[0]
		events, err := account.UpdatePreferences(m.State, &messages.UpdatePreferences{Meta: &messages.Meta{Principal: "u"}, Patch: []byte(c[1])}, time.Time{})
		require.NoError(t, err)
		if c[0] == c[2] {
			require.Empty(t, events)
			continue
		}
		require.Equal(t, c[2], events[0].(*messages.UserUpdated).GetPreferences())
		data, err := messages.EventData(events[0])
		require.NoError(t, err)
		parsed, err := messages.ParseEvent("user.updated", data)
		require.NoError(t, err)
		require.True(t, proto.Equal(events[0], parsed))
	}
	m := registered(t)
	for _, bad := range []string{``, `1`, `[]`, `null`, `{"a":`, `{"a":"` + strings.Repeat("x", account.MaxPreferences) + `"}`} {
		_, err := account.UpdatePreferences(m.State, &messages.UpdatePreferences{Meta: &messages.Meta{Principal: "u"}, Patch: []byte(bad)}, time.Time{})
		require.True(t, messages.HasCode(err, messages.CodeValidationFailed), "%.20s", bad)
	}
}

func TestSecretsStayOutOfTheLog(t *testing.T) {
	t.Parallel()
	for _, e := range []messages.Event{
		&messages.UserCreated{UserId: "u", PasswordHash: "canary", TypedEmail: "canary"},
		&messages.UserPasswordChanged{UserId: "u", PasswordHash: "canary", ByLink: true},
		&messages.UserEmailChanged{UserId: "u", Email: "u@example.com", TypedEmail: "canary"},
	} {
		data, err := messages.EventData(e)
		require.NoError(t, err)
		require.NotContains(t, string(data), "canary")
	}
}
