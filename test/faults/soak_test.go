//go:build soak

package faults_test

import "time"

// Sizes of the long form.
const (
	sharedProjects = 50
	sharedLoad     = 10 * time.Minute
)
