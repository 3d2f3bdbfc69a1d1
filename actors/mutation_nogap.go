//go:build nogap

package actors

const fillsGaps = false
