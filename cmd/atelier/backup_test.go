package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// emptyBeside is an empty database of the same kind, with the same master key.
func emptyBeside(t testing.TB, store storeSettings) storeSettings {
	kind := "postgres"
	if store.embedded() {
		kind = "embedded"
	}
	other := engines[kind](t)
	if key, err := os.ReadFile(filepath.Join(store.DataDir, "master.key")); err == nil {
		require.NoError(t, os.WriteFile(filepath.Join(other.DataDir, "master.key"), key, 0o600))
	}
	return other
}

// TestBackupAndRestore: a backup that is made while people work has all that was
// answered before it began, and is one moment of the rest.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada, bob := signUp(t, p, "ada"), signUp(t, p, "bob")
		harbour := "/projects/" + ada.post("/projects", object{"name": "Harbour"}).created(t).text("id")
		ada.post(harbour+"/collaborators", object{"user_id": bob.user, "role": "editor"}).created(t)
		position := ada.get(harbour).header.Get("Atelier-Position")

		ctx, quiet := context.WithCancel(t.Context())
		var acknowledged atomic.Int64
		working := make(chan struct{})
		go func() {
			defer close(working)
			for ctx.Err() == nil {
				if a, err := bob.try("POST", api+"/projects", object{"name": "Meanwhile"}); err == nil && a.status == 201 {
					acknowledged.Add(1)
				}
			}
		}()
		require.Eventually(t, func() bool { return acknowledged.Load() > 20 }, 30*time.Second, time.Millisecond)
		before := acknowledged.Load()
		file := filepath.Join(t.TempDir(), "atelier.backup")
		var said bytes.Buffer
		require.NoError(t, (&backupCommand{store, file}).write(t.Context(), &said))
		quiet()
		<-working
		require.Contains(t, said.String(), "The master key is not in it")
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		require.ErrorContains(t, (&backupCommand{store, file}).write(t.Context(), &said), "is there already")
		ada.patch(harbour, object{"name": "After the backup"}).want(t, 200)

		into := emptyBeside(t, store)
		require.NoError(t, (&restoreCommand{into, file}).read(t.Context(), &said))
		require.Error(t, (&restoreCommand{into, file}).read(t.Context(), &said), "it is not empty any more")
		again := startProgram(t, into)
		adaAgain, bobAgain := again.client(t).as(ada), again.client(t).as(bob)
		restored := adaAgain.get(harbour).want(t, 200)
		require.Equal(t, "Harbour", restored.text("name"))
		require.Equal(t, position[36:], restored.header.Get("Atelier-Position")[36:], "the same events")
		require.NotEqual(t, position[:36], restored.header.Get("Atelier-Position")[:36], "in another log")
		require.Len(t, adaAgain.get(harbour+"/collaborators").want(t, 200).list("items"), 1)
		require.Len(t, adaAgain.get(harbour+"/events").want(t, 200).list("items"), 2)

		kept := int64(0)
		for query := "?limit=100"; query != ""; {
			page := bobAgain.get("/projects"+query).want(t, 200)
			for _, item := range page.list("items") {
				if item.(object)["name"] == "Meanwhile" {
					kept++
				}
			}
			query = ""
			if next, more := page.object()["next_cursor"].(string); more {
				query = "?limit=100&cursor=" + next
			}
		}
		require.GreaterOrEqual(t, kept, before)
		require.LessOrEqual(t, kept, acknowledged.Load())
		numbered := func(c *client) (n int) {
			for _, e := range c.get("/events?limit=100").want(t, 200).items() {
				if e["project_id"] == filepath.Base(harbour) {
					n++
				}
			}
			return n
		}
		require.Eventually(t, func() bool { return numbered(adaAgain) == 2 }, 20*time.Second, 10*time.Millisecond)
		adaAgain.patch(harbour, object{"name": "Goes on"}).want(t, 200)
		adaAgain.signIn(t)
		require.Eventually(t, func() bool { return numbered(adaAgain) == 3 }, 20*time.Second, 10*time.Millisecond, "each event once")
	})
}

func TestBackupsThatAreRefused(t *testing.T) {
	t.Parallel()
	store := engines["embedded"](t)
	p := startProgram(t, store)
	signUp(t, p, "ada")
	file := filepath.Join(t.TempDir(), "atelier.backup")
	var said bytes.Buffer
	require.NoError(t, (&backupCommand{store, file}).write(t.Context(), &said))
	whole, err := os.ReadFile(file)
	require.NoError(t, err)

	damaged := filepath.Join(t.TempDir(), "damaged")
	for name, content := range map[string][]byte{
		"cut off": whole[:len(whole)/2], "without its end": whole[:len(whole)-4], "empty": nil, "no backup": []byte("hello"),
		"another byte": append(append(append([]byte(nil), whole[:len(whole)/2]...), whole[len(whole)/2]^1), whole[len(whole)/2+1:]...),
	} {
		require.NoError(t, os.WriteFile(damaged, content, 0o600))
		into := engines["embedded"](t)
		require.Error(t, (&restoreCommand{into, damaged}).read(t.Context(), &said), name)
		require.NoFileExists(t, into.databaseFile(), name)
	}
	require.ErrorContains(t, (&restoreCommand{engines["postgres"](t), file}).read(t.Context(), &said), "this backup is of an embedded database")
	require.ErrorContains(t, (&restoreCommand{store, file}).read(t.Context(), &said), "in use")
	require.ErrorContains(t, (&backupCommand{engines["embedded"](t), filepath.Join(t.TempDir(), "b")}).write(t.Context(), &said), "cannot be used")

	pg := engines["postgres"](t)
	running := startProgram(t, pg)
	require.NoError(t, (&backupCommand{pg, filepath.Join(t.TempDir(), "pg")}).write(t.Context(), &said))
	ofPostgres := filepath.Join(t.TempDir(), "pg")
	require.NoError(t, (&backupCommand{pg, ofPostgres}).write(t.Context(), &said))
	require.ErrorContains(t, (&restoreCommand{pg, ofPostgres}).read(t.Context(), &said), "is in use: stop the nodes")
	require.NoError(t, running.stop())
	require.NoError(t, (&restoreCommand{pg, ofPostgres}).read(t.Context(), &said), "a database that nobody used yet")
}
