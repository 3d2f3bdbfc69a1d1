//go:build !earlyack

package http

// Mutation builds take one safeguard out, to show that the proofs notice.
const acknowledgesEarly = false // an update is acknowledged once it is durable
