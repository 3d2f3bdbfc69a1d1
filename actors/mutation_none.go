//go:build !earlyreply

package actors

// Mutation builds take one safeguard out, to show that the proofs notice. Early
// reports the commits of a group as written before they are.
func early([]submission) (told bool) { return false }
