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

type checkPasswordInput struct {
	Body struct {
		Password string `json:"password" maxLength:"1024"`
	}
}

type strengthBody struct {
	Score       int      `json:"score" minimum:"0" maximum:"4" doc:"0: tried first; 4: hard to guess"`
	Breached    bool     `json:"breached" doc:"It is on the list of passwords that are refused"`
	Suggestions []string `json:"suggestions" nullable:"false"`
}

func (s *Server) checkPassword(_ context.Context, _ *call, in *checkPasswordInput) (*result[strengthBody], error) {
	score, breached, suggestions := s.deps.Judge(in.Body.Password)
	return ok(&strengthBody{Score: score, Breached: breached, Suggestions: filled(suggestions)})
}

type reauthenticateInput struct {
	Body struct {
		Password string `json:"password" maxLength:"4096"`
	}
}

type steppedUpBody struct {
	SteppedUpUntil string `json:"stepped_up_until" format:"date-time" doc:"Until then the session may change what the account hangs on"`
}

func (s *Server) reauthenticate(ctx context.Context, c *call, in *reauthenticateInput) (*result[steppedUpBody], error) {
	session, err := s.deps.Flows.Reauthenticate(ctx, c.meta(), in.Body.Password)
	if err != nil {
		return nil, err
	}
	return ok(&steppedUpBody{SteppedUpUntil: timeText(session.GetSteppedUpUntil())})
}

type changeEmailInput struct {
	Body struct {
		NewEmail string `json:"new_email" minLength:"3" maxLength:"254"`
	}
}

func (s *Server) changeEmail(ctx context.Context, c *call, in *changeEmailInput) (*result[acceptedBody], error) {
	err := s.deps.Flows.ChangeEmail(ctx, c.meta(), in.Body.NewEmail)
	if err != nil {
		return nil, err
	}
	return ok(&acceptedBody{Status: "verification_sent"})
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
