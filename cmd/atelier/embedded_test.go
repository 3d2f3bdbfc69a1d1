package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/persistence/sqlite"
)

const passphrase = "a passphrase for one test"

// TestUsersFromTheShell: on a stopped installation and through a running one.
func TestUsersFromTheShell(t *testing.T) {
	t.Parallel()
	store := storeSettings{DataDir: t.TempDir()}
	create := func(address string) {
		command := createUserCommand{storeSettings: store}
		account, err := command.create(t.Context(), newUser{Email: address, Name: "Ada", Password: passphrase, Admin: true})
		require.NoError(t, err)
		require.Contains(t, account.GetRoles(), "admin")
		_, err = command.create(t.Context(), newUser{Email: address, Name: "Ada", Password: passphrase})
		require.ErrorContains(t, err, "exists already")
	}
	create("stopped@example.org")
	p := startProgram(t, store)
	require.False(t, p.NoAdmin)
	create("running@example.org")
	c := p.client(t)
	for _, address := range []string{"stopped@example.org", "running@example.org"} {
		c.post("/auth/login", object{"email": address, "password": passphrase}).want(t, 200)
	}
	require.NoError(t, p.stop())
	create("again@example.org")
}

func TestOneServerHasTheFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "other.db")
	store := storeSettings{DataDir: t.TempDir(), DatabaseURL: "sqlite:" + file}
	startProgram(t, store)
	require.FileExists(t, file)
	require.NoFileExists(t, filepath.Join(store.DataDir, "atelier.db"))

	log := slog.New(slog.DiscardHandler)
	refused := func(other storeSettings, err error) {
		_, failed := start(t.Context(), settings{HTTPAddr: "127.0.0.1:0", OpsAddr: "127.0.0.1:1", PublicURL: "http://atelier.test", storeSettings: other}, log)
		require.ErrorIs(t, failed, err)
	}
	refused(storeSettings{DataDir: store.DataDir}, errInUse)
	refused(storeSettings{DataDir: t.TempDir(), DatabaseURL: store.DatabaseURL}, sqlite.ErrInUse)

	elsewhere := storeSettings{DataDir: t.TempDir(), DatabaseURL: store.DatabaseURL}
	_, err := (&createUserCommand{storeSettings: elsewhere}).create(t.Context(), newUser{Email: "a@example.org", Name: "Ada", Password: passphrase})
	require.ErrorIs(t, err, sqlite.ErrInUse)
	require.ErrorIs(t, (&migrateCommand{storeSettings: elsewhere}).Run(t.Context()), sqlite.ErrInUse)
	require.ErrorIs(t, (&migrateCommand{storeSettings: store}).Run(t.Context()), errInUse)
	require.NoError(t, (&migrateCommand{storeSettings: store, Status: true}).Run(t.Context()))
}

// TestMasterKeyIsKept: sessions survive a restart, and the key is for no other
// eyes.
func TestMasterKeyIsKept(t *testing.T) {
	t.Parallel()
	store := storeSettings{DataDir: t.TempDir()}
	one, err := store.masterKey()
	require.NoError(t, err)
	file := filepath.Join(store.DataDir, "master.key")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	again, err := store.masterKey()
	require.NoError(t, err)
	require.Equal(t, one.Derive("x"), again.Derive("x"))
	require.NoError(t, os.Truncate(file, 0))
	_, err = store.masterKey()
	require.Error(t, err, "a damaged key is not replaced: the database could not be read with another")
}
