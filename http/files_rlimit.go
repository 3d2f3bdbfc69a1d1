//go:build linux || darwin

package http

import (
	"math"
	"syscall"
)

// openFiles is how many files the process may have open at one time.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt64
	}
	return limit.Cur
}
