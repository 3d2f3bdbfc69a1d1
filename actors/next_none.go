//go:build !next

package actors

import (
	"atelier/actors/project"
	"atelier/messages"
)

// receiveNext takes the commands to projects that only the rehearsal of a next
// version has: a build with the tag next, which tests roll out beside this one.
func receiveNext(turn[*project.State], messages.Command) (known bool) { return false }
