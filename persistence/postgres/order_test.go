package postgres_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"atelier/actors/store"
	"atelier/persistence/persistencetest"
	"atelier/persistence/postgres"
)

// Groups of two nodes that want the same rows, commands and addresses wait for
// each other in one order: none ends in a deadlock.
func TestGroupsOfTwoNodesDoNotDeadlock(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	nodes := []*postgres.DB{connect(t, url), connect(t, url)}
	owner := persistencetest.Registration()
	applied(t, nodes[0], owner)
	var ids []string
	for range 24 {
		p := persistencetest.Creation(owner.ID)
		applied(t, nodes[0], p)
		ids = append(ids, p.ID)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 40 {
		groups := make([][]*store.Commit, len(nodes))
		for _, id := range ids {
			claimed, err := nodes[0].Projects().Claim(t.Context(), id, "n1")
			require.NoError(t, err)
			for i := range nodes {
				groups[i] = append(groups[i], persistencetest.Renaming(claimed, fmt.Sprint("by ", i, " in ", round)))
			}
		}
		var addresses, commands []*store.Commit
		for range ids {
			addresses, commands = append(addresses, persistencetest.Registration()), append(commands, persistencetest.Creation(owner.ID))
		}
		for i := range nodes { // ids of the two nodes say nothing about what they want
			for _, j := range random.Perm(len(ids)) {
				again := persistencetest.Creation(owner.ID)
				again.Replies = commands[j].Replies
				groups[i] = append(groups[i], again, persistencetest.RegistrationOf(addresses[j]))
			}
		}
		var both sync.WaitGroup
		for i, node := range nodes {
			group := groups[i]
			random.Shuffle(len(group), func(a, b int) { group[a], group[b] = group[b], group[a] })
			both.Go(func() { written(t, node, group) })
		}
		both.Wait()
	}
}

// written writes a group; to lose a race against another command or address is
// no fault, and ends when it is written again.
func written(t *testing.T, db *postgres.DB, group []*store.Commit) {
	for range 3 {
		_, err := db.Write(t.Context(), slices.Clone(group))
		if err == nil {
			return
		}
		var answer *pgconn.PgError
		if !assert.True(t, errors.As(err, &answer), "%v", err) || !assert.Equal(t, "AT001", answer.Code, "%v", err) {
			return
		}
	}
	assert.Fail(t, "raced again and again")
}
