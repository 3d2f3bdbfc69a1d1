//go:build !noconfirm

package outbox

// A mutation build takes one safeguard out, to show that the proofs notice.
const early = false // events are marked before the broker has confirmed them
