//go:build !nolease

package cluster

// Mutation builds take one safeguard out, to show that the proofs notice.
const unleased = false // what was claimed is kept and shown from memory whatever the lease
