//go:build soak

package faults_test

import (
	"time"

	"atelier/test/rig"
)

// Sizes of the long form, or the share of them that ATELIER_RIG_SHARE asks for.
var (
	joinedProjects = rig.Long(20_000)
	sharedRounds   = rig.Long(100)
	socketRounds   = rig.Long(100)
	programKills   = rig.Long(50)
	postgresKills  = rig.Long(200)
	stormKeys      = rig.Long(100_000)
	refreshRounds  = rig.Long(10_000)
	onceRounds     = rig.Long(10_000)
	stops          = rig.Long(200)
	leaseRounds    = rig.Long(100)
	cutRounds      = rig.Long(100)
	tieRounds      = rig.Long(20)
	cutTime        = time.Duration(max(8, rig.Long(60))) * time.Second
	failovers      = rig.Long(30)
	clockRounds    = rig.Long(20)
	replicaRounds  = rig.Long(10)
	sickRounds     = rig.Long(7)
	cacheRounds    = rig.Long(10)
	freezeRounds   = rig.Long(500)
	rollingRounds  = rig.Long(50)
	watcherRounds  = rig.Long(100)
	watchedEvents  = rig.Long(1_000_000)
	redisRounds    = rig.Long(10)
	crashPoints    = rig.Long(5_000)
	brokerRounds   = rig.Long(50)
	relayKills     = rig.Long(200)

	joinedInCluster = rig.Long(20_000)
	joinedInCuts    = rig.Long(1_000)
	nodeKills       = rig.Long(200)
	cutRevocations  = rig.Long(1_000)
	hungRounds      = rig.Long(100)
)

const (
	acksPerKill     = 2_000
	acksPerNodeKill = 500
	freezeShortest  = time.Second
	freezeLongest   = 20 * time.Second

	replicaFault       = time.Minute
	sickFault          = time.Minute
	cacheFault         = 20 * time.Second
	redisFault         = 20 * time.Second // with what is around it less than a minute
	acksPerBrokerFault = 200
	brokerHangs        = 10 * time.Second
)
