//go:build soak

package faults_test

import "time"

// Sizes of the long form.
const (
	sharedProjects = 50
	joinedProjects = 20_000
	sharedLoad     = 10 * time.Minute
	programKills   = 50
	acksPerKill    = 2_000
	postgresKills  = 200
	stormKeys      = 100_000
	refreshRounds  = 10_000
	stops          = 200
	leaseRounds    = 100
)
