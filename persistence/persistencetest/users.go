package persistencetest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"atelier/actors/account"
	"atelier/messages"
)

// credentials are found by every spelling of an address that is the same
// address, and by no other.
func credentials(t *testing.T, db *Database) {
	user := newAccount("n1")
	normal := "jörg.o'neil+" + user.fence.ID[:8] + "@xn--mnchen-3ya.example"
	e := registered(user.fence.ID, normal)
	e.TypedEmail = "Jörg.O'Neil+" + user.fence.ID[:8] + "@München.example"
	user.commit(t, db, start, e)
	for _, spelling := range []string{normal, e.TypedEmail, "  JÖRG.o'neil+" + user.fence.ID[:8] + "@MÜNCHEN.example "} {
		found, err := db.FindCredential(t.Context(), spelling)
		require.NoError(t, err)
		require.Equal(t, resource(t, &messages.Credential{
			UserId: user.fence.ID, Email: e.TypedEmail, Name: user.state.Name, PasswordHash: user.state.PasswordHash, CredentialVersion: 1,
		}), resource(t, found), "spelt %q", spelling)
	}
	for _, other := range []string{"", "nobody", "x" + normal, "%@%", "jorg.o'neil@xn--mnchen-3ya.example", address(newID())} {
		found, err := db.FindCredential(t.Context(), other)
		require.NoError(t, err)
		require.Nil(t, found, "%q", other)
	}
	user.commit(t, db, later(1), &messages.UserPasswordChanged{UserId: user.fence.ID, PasswordHash: "$argon2id$new"})
	found, err := db.FindCredential(t.Context(), normal)
	require.NoError(t, err)
	require.Equal(t, "$argon2id$new", found.GetPasswordHash())
	require.Equal(t, int64(2), found.GetCredentialVersion())
}

func publicUsers(t *testing.T, db *Database) {
	one, two := newUser(t, db, "n1"), newUser(t, db, "n1")
	change := nameChanged(two, "Zoë \"Z\" O'Hara 🎨")
	change.Profile = &messages.ProfileChange{Bio: proto.String("a 'quoted' \"bio\"\n<b>\\"), Website: proto.String("https://example.org/?a=1&b=2")}
	two.commit(t, db, later(1), change)
	users, err := db.PublicUsers(t.Context(), []string{one.fence.ID, two.fence.ID, newID(), "nobody", two.fence.ID})
	require.NoError(t, err)
	require.Len(t, users, 2)
	for _, user := range []*entity[*account.State]{one, two} {
		require.Equal(t, resource(t, &messages.PublicUser{
			Id: user.fence.ID, Name: user.state.Name, Profile: account.Resource(user.state).GetProfile(),
		}), resource(t, users[user.fence.ID]))
	}
	users, err = db.PublicUsers(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, users)
}

func anyAdmin(t *testing.T, db *Database) {
	require.NoError(t, db.Ping(t.Context()))
	has := func() bool {
		any, err := db.AnyAdmin(t.Context())
		require.NoError(t, err)
		return any
	}
	require.False(t, has())
	user := newUser(t, db, "n1")
	user.commit(t, db, later(1), &messages.UserUpdated{UserId: user.fence.ID, Roles: []string{account.RoleUser, account.RoleAuditor}})
	require.False(t, has())
	user.commit(t, db, later(2), &messages.UserUpdated{UserId: user.fence.ID, Roles: []string{account.RoleUser, account.RoleAdmin}})
	require.True(t, has())
	user.commit(t, db, later(3), &messages.UserUpdated{UserId: user.fence.ID, Roles: []string{account.RoleUser}})
	require.False(t, has())
}

func logID(t *testing.T, db *Database) {
	one, err := db.LogID(t.Context())
	require.NoError(t, err)
	require.True(t, messages.ValidID(one), one)
	two, err := db.Peer.LogID(t.Context())
	require.NoError(t, err)
	require.Equal(t, one, two)
}
