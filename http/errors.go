package http

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"atelier/messages"
)

// problem is one kind of refusal in HTTP's terms.
type problem struct {
	Status int
	Title  string
}

// problems is the only place that knows statuses. Codes are append-only.
func problems() map[string]problem {
	return map[string]problem{
		messages.CodeMalformedJSON:            {400, "The body is not JSON"},
		messages.CodeValidationFailed:         {400, "The request is not valid"},
		messages.CodeInvalidCursor:            {400, "The cursor is not valid here"},
		messages.CodeUnauthenticated:          {401, "Sign in first"},
		messages.CodeInvalidCredentials:       {401, "E-mail or password is wrong"},
		messages.CodeTokenExpired:             {401, "The access token has expired"},
		messages.CodeSessionRevoked:           {401, "The session has ended"},
		messages.CodeInvalidToken:             {401, "The token is not valid"},
		messages.CodeMFAFailed:                {401, "The second factor is wrong"},
		messages.CodeForbidden:                {403, "Not allowed"},
		messages.CodeEmailUnverified:          {403, "The e-mail address is not verified"},
		messages.CodeUserSuspended:            {403, "The account is suspended"},
		messages.CodeUserInactive:             {403, "The account is deactivated"},
		messages.CodeCSRFFailed:               {403, "The CSRF token is missing or wrong"},
		messages.CodeStepUpRequired:           {403, "Prove again who you are"},
		messages.CodeCommentsDisabled:         {403, "The project takes no comments"},
		messages.CodeNotFound:                 {404, "Not found"},
		messages.CodeMethodNotAllowed:         {405, "Method not allowed"},
		messages.CodeNotAcceptable:            {406, "No acceptable representation"},
		messages.CodeEmailTaken:               {409, "The e-mail address is taken"},
		messages.CodeAlreadyCollaborator:      {409, "Already a collaborator"},
		messages.CodeCollaboratorLimitReached: {409, "The collaborator limit is reached"},
		messages.CodeInvalidState:             {409, "Not possible in this state"},
		messages.CodeAlreadyExists:            {409, "Exists already"},
		messages.CodeOwnsProjects:             {409, "The user owns projects"},
		messages.CodeLinkExpired:              {410, "The link cannot be used any more"},
		messages.CodeVersionMismatch:          {412, "The version has changed"},
		messages.CodePayloadTooLarge:          {413, "The request is too large"},
		messages.CodeUnsupportedMediaType:     {415, "The media type is not supported"},
		messages.CodeIdempotencyKeyReused:     {422, "The idempotency key was used for another request"},
		messages.CodeWeakPassword:             {422, "The password is too weak"},
		messages.CodeBreachedPassword:         {422, "The password is well known"},
		messages.CodeRateLimited:              {429, "Too many requests"},
		messages.CodeTooManyAttempts:          {429, "Too many attempts"},
		messages.CodeInternal:                 {500, "Something went wrong"},
		messages.CodeUnavailable:              {503, "The service is not available"},
		messages.CodeOverloaded:               {503, "The service is busy"},
		messages.CodeTimeout:                  {504, "The request took too long"},
	}
}

// problemBody is the RFC 9457 document.
type problemBody struct {
	Type      string       `json:"type" doc:"Path of the page that describes the problem"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail"`
	Instance  string       `json:"instance"`
	Code      string       `json:"code" doc:"Stable name of the problem"`
	RequestID string       `json:"request_id"`
	Errors    []fieldError `json:"errors,omitempty" nullable:"false"`
	Allowed   []string     `json:"allowed,omitempty" nullable:"false" doc:"Moves that are possible instead"`
}

type fieldError struct {
	Pointer string `json:"pointer" doc:"RFC 6901 pointer into the body, or the name of a parameter or header"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// refusal is the wire error of any error: refusals as they are, what the edge
// must not tell as something it may.
func (s *Server) refusal(err error, requestID string) *messages.Error {
	var refused *messages.Error
	var routed *fiber.Error
	switch {
	case errors.As(err, &refused):
	case errors.As(err, &routed):
		refused = routing(routed)
	case errors.Is(err, context.DeadlineExceeded):
		refused = messages.Refuse(messages.CodeTimeout, "the request was not answered in time")
	default:
		s.deps.Log.Error("request failed", "request_id", requestID, "error", err)
		return unexpected()
	}
	switch refused.GetCode() {
	case messages.CodeMoved:
		return messages.Refuse(messages.CodeUnavailable, "the resource is moving between nodes; try again")
	case messages.CodeOutcomeUnknown:
		return messages.Refuse(messages.CodeTimeout, "it is not known whether the request was carried out: repeat it with the Idempotency-Key that it had, or read the resource to find out")
	case messages.CodeUnavailable:
		s.deps.Log.Warn("request refused", "request_id", requestID, "error", err)
	}
	if _, known := s.problems[refused.GetCode()]; !known {
		s.deps.Log.Error("a refusal has no status", "code", refused.GetCode(), "request_id", requestID)
		return unexpected()
	}
	return refused
}

func unexpected() *messages.Error {
	return messages.Refuse(messages.CodeInternal, "an unexpected error was logged under this request id")
}

// routing maps the router's and the parser's own errors.
func routing(e *fiber.Error) *messages.Error {
	if strings.Contains(e.Message, errArriving.Error()) {
		return &messages.Error{Code: messages.CodeOverloaded, Message: "more is on its way to the node than it has room for: try again in a moment", RetryAfterMs: 1000}
	}
	switch e.Code {
	case fiber.StatusNotFound:
		return messages.Refuse(messages.CodeNotFound, "there is nothing under this path")
	case fiber.StatusMethodNotAllowed:
		return messages.Refuse(messages.CodeMethodNotAllowed, "this path does not take that method")
	case fiber.StatusRequestEntityTooLarge:
		return messages.Refuse(messages.CodePayloadTooLarge, "the body has more than %d bytes", maxBody)
	case fiber.StatusRequestHeaderFieldsTooLarge:
		return messages.Refuse(messages.CodePayloadTooLarge, "path and headers have more than %d bytes", maxHeader)
	case fiber.StatusRequestTimeout:
		return messages.Refuse(messages.CodeTimeout, "the request was not received in time")
	case fiber.StatusInternalServerError:
		return unexpected()
	default:
		return messages.Refuse(messages.CodeValidationFailed, "the request is not well-formed HTTP")
	}
}

// fail renders an error as a problem.
func (s *Server) fail(c *fiber.Ctx, err error) error {
	id := requestID(c)
	if id == "" { // refused before it reached the envelope
		s.begin(c)
		id = requestID(c)
		lingerAfter(c)
	}
	refused := s.refusal(err, id)
	body := s.problemOf(refused, id, c.Path())
	var document bytes.Buffer
	encoder := json.NewEncoder(&document)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return err
	}
	challenge(c, body.Status, refused)
	c.Status(body.Status).Set(fiber.HeaderContentType, "application/problem+json")
	c.Response().SetBodyRaw(document.Bytes())
	return nil
}

// problemOf is the document of a refusal that refusal has returned.
func (s *Server) problemOf(refused *messages.Error, requestID, instance string) problemBody {
	p := s.problems[refused.GetCode()]
	body := problemBody{
		Type: "/problems/" + refused.GetCode(), Title: p.Title, Status: p.Status, Detail: cmp.Or(refused.GetMessage(), p.Title), Instance: instance,
		Code: refused.GetCode(), RequestID: requestID, Allowed: refused.GetAllowed(),
	}
	for _, f := range refused.GetFields() {
		body.Errors = append(body.Errors, fieldError{Pointer: f.GetPointer(), Code: f.GetCode(), Message: f.GetMessage()})
	}
	return body
}

// challenge sets the headers that go with a status: what to sign in with
// (RFC 6750, 3) and when to come back.
func challenge(c *fiber.Ctx, status int, refused *messages.Error) {
	switch status {
	case fiber.StatusUnauthorized:
		value := `Bearer realm="atelier"`
		switch refused.GetCode() {
		case messages.CodeInvalidToken, messages.CodeTokenExpired, messages.CodeSessionRevoked:
			value += fmt.Sprintf(`, error="invalid_token", error_description=%q`, refused.GetCode())
		}
		c.Set(fiber.HeaderWWWAuthenticate, value)
	case fiber.StatusServiceUnavailable, fiber.StatusTooManyRequests:
		seconds := (refused.GetRetryAfterMs() + 999) / 1000
		c.Set(fiber.HeaderRetryAfter, strconv.FormatInt(max(1, seconds), 10))
	}
}
