//go:build soak

package faults_test

import "time"

// Sizes of the long form.
const (
	joinedProjects = 20_000
	sharedRounds   = 100
	programKills   = 50
	acksPerKill    = 2_000
	postgresKills  = 200
	stormKeys      = 100_000
	refreshRounds  = 10_000
	stops          = 200
	leaseRounds    = 100
	cutRounds      = 100
	tieRounds      = 20
	cutTime        = time.Minute
	failovers      = 30
	clockRounds    = 20
	freezeRounds   = 500
	freezeShortest = time.Second
	freezeLongest  = 20 * time.Second

	joinedInCluster = 20_000
	joinedInCuts    = 1_000
	nodeKills       = 200
	acksPerNodeKill = 500
	cutRevocations  = 1_000

	redisRounds        = 10
	redisFault         = 20 * time.Second // with what is around it less than a minute
	crashPoints        = 5_000
	acksPerBrokerFault = 200
	brokerRounds       = 50
	brokerHangs        = 10 * time.Second
	relayKills         = 200
)
