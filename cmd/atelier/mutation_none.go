//go:build !nobarrier

package main

// Mutation builds take one safeguard out, to show that the proofs notice.
const elsewhere = true // revocations are carried to other nodes before the reply
