package http

import (
	"context"

	"atelier/messages"
)

// acceptedBody is the answer of what is done behind the reply, if at all: it is the
// same for every address.
type acceptedBody struct {
	Status string `json:"status" enum:"verification_sent,accepted"`
}

func accepted(err error) (*result[acceptedBody], error) {
	if err != nil {
		return nil, err
	}
	return ok(&acceptedBody{Status: "accepted"})
}

type tokenInput struct {
	Body struct {
		Token string `json:"token" maxLength:"200" doc:"Of a link that was mailed"`
	}
}

func (s *Server) verifyEmail(ctx context.Context, c *call, in *tokenInput) (*result[userBody], error) {
	account, err := s.deps.Flows.VerifyEmail(ctx, c.meta(), in.Body.Token)
	if err != nil {
		return nil, err
	}
	return ok(userOf(account))
}

type addressInput struct {
	Body struct {
		Email string `json:"email" maxLength:"254"`
	}
}

func (s *Server) resendVerification(ctx context.Context, c *call, in *addressInput) (*result[acceptedBody], error) {
	return accepted(s.deps.Flows.ResendVerification(ctx, c.meta(), in.Body.Email))
}

func (s *Server) forgotPassword(ctx context.Context, c *call, in *addressInput) (*result[acceptedBody], error) {
	return accepted(s.deps.Flows.ForgotPassword(ctx, c.meta(), in.Body.Email))
}

type resetPasswordInput struct {
	Body struct {
		Token    string `json:"token" maxLength:"200" doc:"Of a link that was mailed"`
		Password string `json:"password" maxLength:"1024"`
	}
}

func (s *Server) resetPassword(ctx context.Context, c *call, in *resetPasswordInput) (*result[none], error) {
	return &result[none]{}, s.deps.Flows.ResetPassword(ctx, c.meta(), in.Body.Token, in.Body.Password)
}

type emailConfirmedBody struct {
	Status string `json:"status" enum:"waiting,changed" doc:"waiting: the other address has yet to confirm"`
}

func (s *Server) confirmEmail(ctx context.Context, c *call, in *tokenInput) (*result[emailConfirmedBody], error) {
	changed, err := s.deps.Flows.ConfirmEmail(ctx, c.meta(), in.Body.Token)
	if err != nil {
		return nil, err
	}
	if !changed {
		return ok(&emailConfirmedBody{Status: "waiting"})
	}
	return ok(&emailConfirmedBody{Status: "changed"})
}

// linkCodes are the refusals of one-time links.
func linkCodes(more ...string) []string { return append(more, messages.CodeLinkExpired) }
