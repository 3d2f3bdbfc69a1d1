//go:build !nogap

package actors

// fillsGaps is taken out by a mutation build: what is missing between what came is
// then not read from the log.
const fillsGaps = true
