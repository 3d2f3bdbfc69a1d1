//go:build !deafsockets

package http

// socketsHear is false in a build that shows what happens without it: revocations
// do not reach open sockets.
const socketsHear = true
