//go:build noconfirm

package outbox

const early = true
