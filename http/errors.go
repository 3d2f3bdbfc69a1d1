package http

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

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
		messages.CodeForbidden:                {403, "Not allowed"},
		messages.CodeEmailUnverified:          {403, "The e-mail address is not verified"},
		messages.CodeUserSuspended:            {403, "The account is suspended"},
		messages.CodeUserInactive:             {403, "The account is deactivated"},
		messages.CodeNotFound:                 {404, "Not found"},
		messages.CodeMethodNotAllowed:         {405, "Method not allowed"},
		messages.CodeNotAcceptable:            {406, "No acceptable representation"},
		messages.CodeEmailTaken:               {409, "The e-mail address is taken"},
		messages.CodeAlreadyCollaborator:      {409, "Already a collaborator"},
		messages.CodeCollaboratorLimitReached: {409, "The collaborator limit is reached"},
		messages.CodeInvalidState:             {409, "Not possible in this state"},
		messages.CodeAlreadyExists:            {409, "Exists already"},
		messages.CodeOwnsProjects:             {409, "The user owns projects"},
		messages.CodeVersionMismatch:          {412, "The version has changed"},
		messages.CodePayloadTooLarge:          {413, "The body is too large"},
		messages.CodeUnsupportedMediaType:     {415, "The media type is not supported"},
		messages.CodeIdempotencyKeyReused:     {422, "The idempotency key was used for another request"},
		messages.CodeWeakPassword:             {422, "The password is too weak"},
		messages.CodeBreachedPassword:         {422, "The password is well known"},
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
	Errors    []fieldError `json:"errors,omitempty"`
	Allowed   []string     `json:"allowed,omitempty" doc:"Moves that are possible instead"`
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
		return messages.Refuse(messages.CodeInternal, "an unexpected error was logged under this request id")
	}
	switch refused.GetCode() {
	case messages.CodeMoved:
		return messages.Refuse(messages.CodeUnavailable, "the resource is moving between nodes; try again")
	case messages.CodeOutcomeUnknown:
		return messages.Refuse(messages.CodeTimeout, "it is not known whether the request was carried out; repeat it with the same Idempotency-Key")
	}
	if _, known := s.problems[refused.GetCode()]; !known {
		s.deps.Log.Error("a refusal has no status", "code", refused.GetCode(), "request_id", requestID)
		return messages.Refuse(messages.CodeInternal, "an unexpected error was logged under this request id")
	}
	return refused
}

// routing maps the router's and the parser's own errors.
func routing(e *fiber.Error) *messages.Error {
	switch e.Code {
	case fiber.StatusNotFound:
		return messages.Refuse(messages.CodeNotFound, "there is nothing under this path")
	case fiber.StatusMethodNotAllowed:
		return messages.Refuse(messages.CodeMethodNotAllowed, "this path does not take that method")
	case fiber.StatusRequestEntityTooLarge:
		return messages.Refuse(messages.CodePayloadTooLarge, "the body has more than %d bytes", maxBody)
	case fiber.StatusRequestTimeout:
		return messages.Refuse(messages.CodeTimeout, "the request was not received in time")
	case fiber.StatusInternalServerError:
		return messages.Refuse(messages.CodeInternal, "the request could not be handled")
	default:
		return messages.Refuse(messages.CodeValidationFailed, "the request is not well-formed HTTP")
	}
}

// fail renders an error as a problem.
func (s *Server) fail(c *fiber.Ctx, err error) error {
	id := requestID(c)
	refused := s.refusal(err, id)
	p := s.problems[refused.GetCode()]
	body := problemBody{
		Type: "/problems/" + refused.GetCode(), Title: p.Title, Status: p.Status, Detail: refused.GetMessage(), Instance: c.Path(),
		Code: refused.GetCode(), RequestID: id, Allowed: refused.GetAllowed(),
	}
	for _, f := range refused.GetFields() {
		body.Errors = append(body.Errors, fieldError{Pointer: f.GetPointer(), Code: f.GetCode(), Message: f.GetMessage()})
	}
	switch p.Status {
	case fiber.StatusUnauthorized:
		c.Set(fiber.HeaderWWWAuthenticate, fmt.Sprintf("Bearer error=%q", refused.GetCode()))
	case fiber.StatusServiceUnavailable:
		after := time.Duration(refused.GetRetryAfterMs()) * time.Millisecond
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(max(1, int(after.Seconds()))))
	}
	var document bytes.Buffer
	encoder := json.NewEncoder(&document)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return err
	}
	c.Status(p.Status).Set(fiber.HeaderContentType, "application/problem+json")
	return c.Send(document.Bytes())
}
