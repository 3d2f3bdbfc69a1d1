package messages

import (
	"errors"
	"fmt"
)

// Codes of refusals. They are part of the contract with clients and
// append-only; the edge alone knows their HTTP statuses.
const (
	CodeMalformedJSON            = "malformed_json"
	CodeValidationFailed         = "validation_failed"
	CodeInvalidCursor            = "invalid_cursor"
	CodeUnauthenticated          = "unauthenticated"
	CodeInvalidCredentials       = "invalid_credentials"
	CodeTokenExpired             = "token_expired"
	CodeSessionRevoked           = "session_revoked"
	CodeInvalidToken             = "invalid_token"
	CodeForbidden                = "forbidden"
	CodeEmailUnverified          = "email_unverified"
	CodeUserSuspended            = "user_suspended"
	CodeUserInactive             = "user_inactive"
	CodeNotFound                 = "not_found"
	CodeMethodNotAllowed         = "method_not_allowed"
	CodeNotAcceptable            = "not_acceptable"
	CodePayloadTooLarge          = "payload_too_large"
	CodeUnsupportedMediaType     = "unsupported_media_type"
	CodeEmailTaken               = "email_taken"
	CodeAlreadyCollaborator      = "already_collaborator"
	CodeCollaboratorLimitReached = "collaborator_limit_reached"
	CodeInvalidState             = "invalid_state"
	CodeAlreadyExists            = "already_exists"
	CodeOwnsProjects             = "owns_projects"
	CodeVersionMismatch          = "version_mismatch"
	CodeIdempotencyKeyReused     = "idempotency_key_reused"
	CodeWeakPassword             = "weak_password"
	CodeBreachedPassword         = "breached_password"
	CodeInternal                 = "internal"
	CodeUnavailable              = "unavailable"
	CodeOverloaded               = "overloaded"
	CodeTimeout                  = "timeout"
	CodeMFAFailed                = "mfa_failed"
	CodeCSRFFailed               = "csrf_failed"
	CodeStepUpRequired           = "step_up_required"
	CodeCommentsDisabled         = "comments_disabled"
	CodeLinkExpired              = "link_expired"
	CodeRateLimited              = "rate_limited"
	CodeTooManyAttempts          = "too_many_attempts"

	// The codes below never reach a client. Moved: the command was not executed,
	// ask again. OutcomeUnknown: it may have been; ask again with the same
	// command id, or, with a time to come again, leave that to the client. TokenReused: a refresh token was presented by two parties, and
	// the account has yet to end the session. Late: what it rests on may have been
	// revoked since; nothing was carried out, and the right is to be asked for anew.
	CodeMoved          = "moved"
	CodeOutcomeUnknown = "outcome_unknown"
	CodeTokenReused    = "token_reused"
	CodeLate           = "late"
)

// Error makes the generated message a Go error.
func (e *Error) Error() string { return e.GetCode() + ": " + e.GetMessage() }

// Is matches errors of the same code, so that errors.Is(err, Refuse(code, ""))
// works whatever the sentence says.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.GetCode() == e.GetCode()
}

// Refuse makes a refusal with a sentence for the caller.
func Refuse(code, format string, args ...any) *Error {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	return &Error{Code: code, Message: format}
}

// Invalid refuses one field of a request. The pointer is an RFC 6901 pointer.
func Invalid(pointer, code, format string, args ...any) *Error {
	sentence := fmt.Sprintf(format, args...)
	return &Error{Code: CodeValidationFailed, Message: sentence, Fields: []*FieldError{{Pointer: pointer, Code: code, Message: sentence}}}
}

// Missing is the refusal for what does not exist or may not be known to exist.
func Missing(what string) *Error { return Refuse(CodeNotFound, "%s not found", what) }

// CodeOf is the code of a refusal, or CodeInternal for any other error.
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.GetCode()
	}
	return CodeInternal
}

// HasCode reports whether err is a refusal with that code.
func HasCode(err error, code string) bool {
	var e *Error
	return errors.As(err, &e) && e.GetCode() == code
}
