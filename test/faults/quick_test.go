//go:build !soak

package faults_test

import "time"

// Sizes of the quick form.
const (
	sharedProjects = 50
	sharedLoad     = 8 * time.Second
)
