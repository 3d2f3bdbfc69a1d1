//go:build nograce

package session

const graceless = true
