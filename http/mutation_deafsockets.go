//go:build deafsockets

package http

const socketsHear = false
