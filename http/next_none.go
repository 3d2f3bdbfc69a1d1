//go:build !next

package http

// tableNext adds what only the rehearsal of a next version has: a build with the
// tag next, which tests roll out beside this one.
func (s *Server) tableNext() {}
