package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/identity/seal"
)

// listed is what keys list says.
func listed(t *testing.T, store storeSettings) (r keyReport) {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, (&keysListCommand{storeSettings: store, JSON: true}).print(t.Context(), &out))
	require.NoError(t, json.Unmarshal(out.Bytes(), &r))
	return r
}

func (r keyReport) states() map[string]string {
	states := map[string]string{}
	for _, k := range r.Keys {
		states[k.Kid] = k.State
	}
	return states
}

// kid is that of a token.
func kid(t *testing.T, token string) string {
	header, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	require.NoError(t, err)
	var h struct{ Kid string }
	require.NoError(t, json.Unmarshal(header, &h))
	return h.Kid
}

// TestKeysAreRotatedWithTheServiceRunning: people sign in, refresh and ask while the
// keys change hands, and none of it fails. What is signed by a key that is then retired
// is refused.
func TestKeysAreRotatedWithTheServiceRunning(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		other := p
		if !store.embedded() {
			other = startProgram(t, storeSettings{DataDir: t.TempDir(), DatabaseURL: store.DatabaseURL})
		}
		root, ada, eve := admin(t, p), signUp(t, p, "ada"), signUp(t, p, "eve")
		there := other.client(t).as(ada)
		there.get("/users/me").want(t, 200)
		require.Equal(t, map[string]string{"access-1": "signs", "refresh-1": "signs"}, listed(t, store).states())

		stop, rounds := make(chan struct{}), make(chan int, 2)
		var working sync.WaitGroup
		for range 2 {
			busy, elsewhere := signUp(t, p, "busy"), other.client(t)
			working.Go(func() {
				n := 0
				defer func() { rounds <- n }()
				for ; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					session := busy.signIn(t)
					session.get("/users/me").want(t, 200)
					elsewhere.as(session).get("/users/me").want(t, 200)
					session.took(elsewhere.as(session).nobody().post("/auth/refresh", object{"refresh_token": session.refresh}).want(t, 200)).get("/users/me").want(t, 200)
				}
			})
		}
		var out bytes.Buffer
		require.ErrorContains(t, (&keysRotateCommand{storeSettings: store, Overlap: time.Second}).print(t.Context(), &out), "overlap")
		require.ErrorContains(t, (&keysRetireCommand{storeSettings: store, Kid: "access-1"}).print(t.Context(), &out), "rotate first")
		require.ErrorContains(t, (&keysRetireCommand{storeSettings: store, Kid: "access-9"}).print(t.Context(), &out), "no key")
		require.NoError(t, (&keysRotateCommand{storeSettings: store, Overlap: 10 * time.Second}).print(t.Context(), &out))
		require.Contains(t, out.String(), "access-2")
		require.Equal(t, "waits", listed(t, store).states()["access-2"])
		require.ErrorContains(t, (&keysRotateCommand{storeSettings: store, Overlap: 10 * time.Second}).print(t.Context(), &out), "successors already")
		require.ErrorContains(t, (&keysRetireCommand{storeSettings: store, Kid: "access-1"}).print(t.Context(), &out), "rotate first")

		require.Eventually(t, func() bool {
			return strings.Contains(string(root.do("GET", "/.well-known/jwks.json", nil).body), "access-2")
		}, 30*time.Second, 20*time.Millisecond, "it is published")
		var fresh *client
		require.Eventually(t, func() bool { fresh = eve.signIn(t); return kid(t, fresh.token) == "access-2" }, time.Minute, 100*time.Millisecond)
		fresh = eve.signIn(t) // the session before may have begun under the old key
		close(stop)
		working.Wait()
		require.Positive(t, min(<-rounds, <-rounds), "people were at work")
		require.Equal(t, "access-1", kid(t, ada.token))
		ada.get("/users/me").want(t, 200)
		require.Equal(t, map[string]string{"access-1": "verifies", "access-2": "signs", "refresh-1": "verifies", "refresh-2": "signs"}, listed(t, store).states())

		for _, retired := range []string{"access-1", "refresh-1"} {
			require.NoError(t, (&keysRetireCommand{storeSettings: store, Kid: retired}).print(t.Context(), &out))
		}
		require.Eventually(t, func() bool { return ada.get("/users/me").status == 401 }, 30*time.Second, 20*time.Millisecond, "it was known to be good, and is not any more")
		require.Eventually(t, func() bool { return there.get("/users/me").status == 401 }, 30*time.Second, 20*time.Millisecond, "on every node")
		ada.get("/users/me").refused(t, 401, "invalid_token")
		ada.nobody().post("/auth/refresh", object{"refresh_token": ada.refresh}).refused(t, 401, "invalid_token")
		fresh.get("/users/me").want(t, 200)
		fresh.nobody().post("/auth/refresh", object{"refresh_token": fresh.refresh}).want(t, 200)
		require.NotContains(t, string(root.do("GET", "/.well-known/jwks.json", nil).body), "access-1")
		root = root.signIn(t)
		told := func(by string) (what []string) {
			for _, name := range []string{"access-1", "access-2", "refresh-1", "refresh-2"} {
				for _, row := range root.get("/audit?limit=100&target=keys/"+name).want(t, 200).items() {
					if row["detail"].(object)["by"] == by {
						what = append(what, row["action"].(string)+" "+name)
					}
				}
			}
			return what
		}
		require.Equal(t, []string{"key.added access-1", "key.added refresh-1"}, told("rotation"))
		require.Equal(t, []string{"key.removed access-1", "key.added access-2", "key.removed refresh-1", "key.added refresh-2"}, told("operator"))
		require.Equal(t, true, root.get("/audit/verify").want(t, 200).object()["intact"])
	})
}

// TestKeysOfAStoppedServer can be looked at and rotated too; a new master key seals
// from then on.
func TestKeysOfAStoppedServer(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		old, next := seal.Generate(), seal.Generate()
		store.MasterKey = old
		p := startProgram(t, store)
		ada := signUp(t, p, "ada")
		require.NoError(t, p.stop())
		before := listed(t, store)
		require.Len(t, before.MasterKeys, 1)
		require.Equal(t, 2, before.MasterKeys[0].Keys)

		both := store
		both.MasterKey = next + "," + old
		var out bytes.Buffer
		require.NoError(t, (&keysRotateCommand{storeSettings: both, Overlap: time.Minute}).print(t.Context(), &out))
		require.NotContains(t, out.String(), old)
		after := listed(t, both)
		require.Equal(t, []reportedMasterKey{{after.MasterKeys[0].ID, true, 2}, {before.MasterKeys[0].ID, false, 2}}, after.MasterKeys)
		require.ErrorContains(t, (&keysListCommand{storeSettings: storeSettings{DataDir: store.DataDir, DatabaseURL: store.DatabaseURL, MasterKey: next}}).print(t.Context(), &out), "cannot be opened")
		again := startProgram(t, both)
		again.client(t).as(ada).get("/users/me").want(t, 200)
	})
}

// TestWhoLooksMakesNothing: a mistyped directory is none, and has no audit that is in
// order.
func TestWhoLooksMakesNothing(t *testing.T) {
	t.Parallel()
	store := storeSettings{DataDir: filepath.Join(t.TempDir(), "typo")}
	var out bytes.Buffer
	require.ErrorContains(t, (&auditVerifyCommand{storeSettings: store}).print(t.Context(), &out), "ATELIER_DATA_DIR")
	require.ErrorContains(t, (&keysListCommand{storeSettings: store}).print(t.Context(), &out), "ATELIER_DATA_DIR")
	require.NoDirExists(t, store.DataDir)
	require.Empty(t, out.String())
}

// TestTheDocumentIsPrinted as the server answers it.
func TestTheDocumentIsPrinted(t *testing.T) {
	t.Parallel()
	for verification, change := range map[string]func(*settings){"off": func(*settings) {}, "on": verifying} {
		p := startWith(t, engines["embedded"](t), change)
		var out bytes.Buffer
		require.NoError(t, (&openapiCommand{PublicURL: "http://atelier.test", Verification: verification}).print(&out))
		require.JSONEq(t, string(p.client(t).do("GET", "/openapi.json", nil).want(t, 200).body), out.String())
	}
}
