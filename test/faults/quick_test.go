//go:build !soak

package faults_test

import "time"

// Sizes of the quick form.
const (
	sharedProjects = 50
	joinedProjects = 200
	sharedLoad     = 8 * time.Second
	programKills   = 3
	acksPerKill    = 1_250
	postgresKills  = 5
	stormKeys      = 1_000
	refreshRounds  = 10
	stops          = 3
	leaseRounds    = 1
)
