//go:build !nograce

package session

// Mutation builds take one safeguard out, to show that the proofs notice.
const graceless = false // a refresh token presented again is stolen at once
