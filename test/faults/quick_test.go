//go:build !soak

package faults_test

import (
	"time"

	"atelier/test/rig"
)

// Sizes of the quick form; where the race detector looks on, a smaller one.
var (
	joinedProjects = quick(100)
	acksPerKill    = quick(1_250)
	stormKeys      = quick(1_000)

	joinedInCluster = quick(200)
	joinedInCuts    = quick(20)
	nodeKills       = quick(10)
	acksPerNodeKill = quick(150)

	watchedEvents = quick(5_000)

	crashPoints        = quick(200)
	acksPerBrokerFault = quick(50)
)

const (
	sharedRounds  = 1
	socketRounds  = 3
	programKills  = 3
	postgresKills = 5
	refreshRounds = 10
	onceRounds    = 1
	stops         = 3
	leaseRounds   = 1
	cutRounds     = 4
	tieRounds     = 2
	cutTime       = 8 * time.Second
	failovers     = 1
	clockRounds   = 1
	replicaRounds = 1
	sickRounds    = 1
	cacheRounds   = 1
	freezeRounds  = 6
	rollingRounds = 1
	watcherRounds = 4

	freezeShortest = 4 * time.Second
	freezeLongest  = 6 * time.Second

	cutRevocations = 20
	hungRounds     = 2

	replicaFault = 4 * time.Second
	sickFault    = 10 * time.Second
	cacheFault   = 3 * time.Second
	redisRounds  = 1
	redisFault   = 6 * time.Second
	brokerRounds = 1
	brokerHangs  = 4 * time.Second
	relayKills   = 4
)

func quick(n int) int {
	if rig.Raced {
		return n / 5
	}
	return n
}
