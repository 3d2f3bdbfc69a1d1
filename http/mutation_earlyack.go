//go:build earlyack

package http

// acknowledgesEarly has updates acknowledged before they are durable.
const acknowledgesEarly = true
