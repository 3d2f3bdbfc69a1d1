//go:build earlyreply

package actors

import (
	"time"

	"atelier/actors/store"
)

// early spares groups with accounts and sessions: who cannot sign in shows
// nothing. It writes a little behind.
func early(group []submission) (told bool) {
	for _, s := range group {
		if s.commit.Kind != store.Project {
			return false
		}
	}
	for _, s := range group {
		s.done(store.Result{})
	}
	time.Sleep(2 * time.Millisecond)
	return true
}
