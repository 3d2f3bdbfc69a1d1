//go:build nolease

package cluster

const unleased = true
