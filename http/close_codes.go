package http

import "atelier/messages"

// Why a socket is closed. Those from 4400 to 4499 are final: the client does not
// come back by itself. After those from 4500 to 4599 it does.
const (
	closeNormal = 1000
	closeGone   = 1001 // the client goes, or the node stops
	closeNone   = 1005 // never sent: the client gave no code

	closeBadFrame        = 4400
	closeUnauthenticated = 4401
	closeRevoked         = 4403
	closeNotFound        = 4404
	closeNoHello         = 4408
	closeTooLarge        = 4413
	closeAbuse           = 4429

	closeInternal      = 4500
	closeTicketExpired = 4501
	closeDraining      = 4503
	closeSlow          = 4508
)

// closeCodeOf is how a socket ends whose right has been refused.
func closeCodeOf(err error) int {
	switch messages.CodeOf(err) {
	case messages.CodeUnauthenticated, messages.CodeInvalidToken, messages.CodeTokenExpired, messages.CodeSessionRevoked,
		messages.CodeUserSuspended, messages.CodeUserInactive, messages.CodeEmailUnverified:
		return closeUnauthenticated
	case messages.CodeLinkExpired:
		return closeTicketExpired
	case messages.CodeForbidden:
		return closeRevoked
	case messages.CodeNotFound:
		return closeNotFound
	case messages.CodePayloadTooLarge:
		return closeTooLarge
	case messages.CodeValidationFailed:
		return closeBadFrame
	case messages.CodeRateLimited:
		return closeAbuse
	case messages.CodeUnavailable, messages.CodeOverloaded, messages.CodeTimeout, messages.CodeMoved, messages.CodeOutcomeUnknown, messages.CodeLate:
		return closeDraining
	}
	return closeInternal
}
