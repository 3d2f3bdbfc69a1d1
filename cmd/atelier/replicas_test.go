package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"atelier/test/services"
)

// onReplica starts a server on a database with a replica.
func onReplica(t *testing.T) (p *program, replica *services.PostgresServer) {
	t.Helper()
	pg := services.OwnPostgres(t)
	replica = pg.Replica(t)
	return startWith(t, storeSettings{DataDir: t.TempDir(), DatabaseURL: pg.URL("test")}, func(s *settings) { s.ReplicaURLs = replica.URL("test") }), replica
}

// served is how many lists a replica answered.
func (p *program) served(t *testing.T) (n int) {
	t.Helper()
	a := (&client{t: t, base: p.ops}).do("GET", "/metrics", nil).want(t, 200)
	_, value, found := strings.Cut(string(a.body), `atelier_replica_reads_total{result="served"} `)
	require.True(t, found)
	_, err := fmt.Sscan(value, &n)
	require.NoError(t, err)
	return n
}

// TestWritesTellWhereTheDatabaseIs, where there is a replica, and lists with that show
// them, wherever they come from.
func TestWritesTellWhereTheDatabaseIs(t *testing.T) {
	t.Parallel()
	p, replica := onReplica(t)
	ada := signUp(t, p, "ada")
	bob := signUp(t, p, "bob")
	created := ada.post("/projects", object{"name": "Harbour"})
	path := "/projects/" + created.created(t).text("id")
	token := func(a *answer) string { return "Atelier-Consistency: " + a.header.Get("Atelier-Consistency") }
	require.Regexp(t, `^Atelier-Consistency: [0-9a-f]+-[0-9a-f]+$`, token(created))
	require.Empty(t, ada.get(path).header.Get("Atelier-Consistency"), "of a read")
	require.Empty(t, ada.post("/projects", object{"name": ""}).header.Get("Atelier-Consistency"), "of a refusal")
	require.Eventually(t, func() bool {
		require.Len(t, ada.get("/projects", token(created)).items(), 1)
		return p.served(t) > 0
	}, time.Minute, 10*time.Millisecond)

	added := ada.post(path+"/collaborators", object{"user_id": bob.user})
	require.Len(t, bob.get("/projects", token(added)).items(), 1)
	require.Len(t, ada.get(path+"/collaborators", token(added)).items(), 1)
	replica.Lag(t, time.Minute)
	require.Equal(t, 204, ada.delete(path+"/collaborators/"+bob.user).status)
	require.Empty(t, bob.get("/projects", token(added)).items(), "what he was told as a member")
	for _, event := range bob.get("/events", token(added)).items() {
		require.NotContains(t, event, "project_id")
	}
	renamed := ada.patch(path, object{"name": "Haven"})
	require.Equal(t, "Haven", ada.get("/projects", token(renamed)).items()[0]["name"])

	replica.Crash()
	require.Equal(t, "Haven", ada.get("/projects", token(renamed)).items()[0]["name"])
	for _, odd := range []string{"primary", "x", "1", "ffffffff-0", "0-0"} {
		require.Len(t, ada.get("/projects", "Atelier-Consistency: "+odd).items(), 1, odd)
	}
}

// TestALaggingReplicaTeachesTheCacheNothing: what it does not have yet, it shows to those
// who have seen no more, and to nobody else.
func TestALaggingReplicaTeachesTheCacheNothing(t *testing.T) {
	t.Parallel()
	p, replica := onReplica(t)
	ada, bob := signUp(t, p, "ada"), signUp(t, p, "bob")
	var lists []string
	before := ""
	for range 5 { // where the replica takes long, the primary answers for one
		created := ada.post("/projects", object{"name": "Harbour"})
		lists = append(lists, "/projects/"+created.created(t).text("id")+"/collaborators")
		before = "Atelier-Consistency: " + created.header.Get("Atelier-Consistency")
	}
	require.Eventually(t, func() bool {
		require.Len(t, ada.get("/projects", before).items(), len(lists))
		return p.served(t) > 0
	}, time.Minute, 10*time.Millisecond)
	replica.Lag(t, time.Minute)
	for _, list := range lists {
		ada.post(list, object{"user_id": bob.user}).created(t)
		served := p.served(t)
		members := ada.get(list, before).items()
		if p.served(t) == served {
			continue
		}
		require.Empty(t, members, "the replica has no member yet")
		require.Len(t, ada.get(list).items(), 1)
		return
	}
	require.Fail(t, "the replica has answered for none")
}

// TestNobodyIsToldPositions where nobody could do anything with them.
func TestNobodyIsToldPositions(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		ada := signUp(t, startProgram(t, store), "ada")
		a := ada.post("/projects", object{"name": "Harbour"})
		require.Empty(t, a.header.Get("Atelier-Consistency"))
		require.Len(t, ada.get("/projects", "Atelier-Consistency: 1-1").items(), 1)
	})
}

// TestReplicasThatCannotWork are refused at the start, without their passwords.
func TestReplicasThatCannotWork(t *testing.T) {
	t.Parallel()
	with := func(env, database, replicas string) error {
		s := settings{Env: env, storeSettings: storeSettings{DatabaseURL: database}, replicaSettings: replicaSettings{replicas}}
		return s.checkReplicas()
	}
	const good = "postgres://someone:canary@a/atelier"
	require.NoError(t, with("production", good, ""))
	require.NoError(t, with("production", good, good+", "+good))
	require.ErrorContains(t, with("development", "", good), "ATELIER_DATABASE_REPLICA_URLS needs Postgres")
	err := with("development", good, good+",mysql://someone:canary@b/x")
	require.ErrorContains(t, err, "the URL number 2")
	require.NotContains(t, err.Error(), "canary")
	require.ErrorContains(t, with("production", good, "postgres://someone:postgres@a/x"), "in production the password of a replica")
}
