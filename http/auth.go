package http

import (
	"context"

	"atelier/identity"
	"atelier/messages"
)

type flows interface {
	Register(context.Context, *messages.Meta, identity.Registration) (*messages.Account, error)
	SignIn(context.Context, *messages.Meta, identity.Credentials) (*identity.Tokens, error)
	Refresh(ctx context.Context, m *messages.Meta, token, ip, userAgent string) (*identity.Tokens, error)
	SignOut(context.Context, *messages.Meta) error
	ChangePassword(ctx context.Context, m *messages.Meta, current, next string) error
	VerifyEmail(ctx context.Context, m *messages.Meta, token string) (*messages.Account, error)
	ResendVerification(ctx context.Context, m *messages.Meta, email string) error
	ForgotPassword(ctx context.Context, m *messages.Meta, email string) error
	ResetPassword(ctx context.Context, m *messages.Meta, token, password string) error
	Reauthenticate(ctx context.Context, m *messages.Meta, password string) (*messages.Session, error)
	ChangeEmail(ctx context.Context, m *messages.Meta, email string) error
	ConfirmEmail(ctx context.Context, m *messages.Meta, token string) (changed bool, err error)
	CreateUser(ctx context.Context, m *messages.Meta, email, name string, roles []string) (*messages.Account, error)
	Invite(ctx context.Context, m *messages.Meta, project, email, role string) error
	ResendInvitation(ctx context.Context, m *messages.Meta, project, invitation string) error
	Invitation(ctx context.Context, m *messages.Meta, token string) (*messages.Invitation, error)
	AcceptInvitation(ctx context.Context, m *messages.Meta, token string) (*messages.Collaborator, error)
	DeclineInvitation(ctx context.Context, m *messages.Meta, token string) error
	MyInvitations(context.Context, *messages.Meta) (list []*messages.Invitation, tokens map[string]string, err error)
	OfferOwnership(ctx context.Context, m *messages.Meta, project, user string) (*messages.Project, error)
	RemoveCollaborator(ctx context.Context, m *messages.Meta, project, user string) error
	ResendMail(ctx context.Context, m *messages.Meta, user string) error
	Authenticate(ctx context.Context, token string) (*identity.Principal, error)
	Standing(ctx context.Context, userID, sessionID string) (*identity.Principal, error)
}

type registerInput struct {
	Body struct {
		Email    string `json:"email" minLength:"3" maxLength:"254"`
		Name     string `json:"name" minLength:"1" maxLength:"100"`
		Password string `json:"password" maxLength:"1024"`
	}
}

func (s *Server) register(ctx context.Context, c *call, in *registerInput) (*result[userBody], error) {
	account, err := s.deps.Flows.Register(ctx, c.meta(), identity.Registration{Email: in.Body.Email, Name: in.Body.Name, Password: in.Body.Password})
	if err != nil {
		return nil, err
	}
	if account == nil {
		return nil, nil
	}
	return ok(userOf(account))
}

// registerUnproved answers the same whether the address has an account or not.
func (s *Server) registerUnproved(ctx context.Context, c *call, in *registerInput) (*result[acceptedBody], error) {
	if _, err := s.register(ctx, c, in); err != nil {
		return nil, err
	}
	return ok(&acceptedBody{Status: "verification_sent"})
}

type loginInput struct {
	Body struct {
		Email    string `json:"email" maxLength:"1000"`
		Password string `json:"password" maxLength:"4096"`
		Cookie   bool   `json:"cookie,omitempty" doc:"Keep the tokens in cookies, which scripts cannot read, and not in the reply"`
	}
}

type tokensBody struct {
	AccessToken  string    `json:"access_token,omitempty"`
	TokenType    string    `json:"token_type" enum:"Bearer"`
	ExpiresIn    int       `json:"expires_in" doc:"Seconds"`
	RefreshToken string    `json:"refresh_token,omitempty"`
	CSRFToken    string    `json:"csrf_token,omitempty" doc:"With cookies: for the header X-CSRF-Token of writes"`
	SessionID    string    `json:"session_id" format:"uuid"`
	User         *userBody `json:"user" nullable:"false"`
}

// tokens are handed out in the reply, or in cookies.
func (s *Server) tokens(c *call, cookies bool, t *identity.Tokens, err error) (*result[tokensBody], error) {
	if err != nil {
		return nil, err
	}
	body := &tokensBody{TokenType: "Bearer", ExpiresIn: int(t.ExpiresIn.Seconds()), SessionID: t.SessionID, User: userOf(t.Account)}
	if cookies {
		s.giveCookies(c.fiber, t)
		body.CSRFToken = s.csrfToken(t.SessionID)
	} else {
		body.AccessToken, body.RefreshToken = t.AccessToken, t.RefreshToken
	}
	return ok(body)
}

func (s *Server) login(ctx context.Context, c *call, in *loginInput) (*result[tokensBody], error) {
	t, err := s.deps.Flows.SignIn(ctx, c.meta(), identity.Credentials{
		Email: in.Body.Email, Password: in.Body.Password, UserAgent: userAgent(c),
		IP: c.ip, Device: s.cookie(c.fiber, deviceCookie),
	})
	if err == nil {
		s.rememberDevice(c.fiber, t.Device)
	}
	return s.tokens(c, in.Body.Cookie, t, err)
}

type refreshInput struct {
	Body struct {
		RefreshToken string `json:"refresh_token,omitempty" maxLength:"1000" doc:"Where it is left out, that of the cookie"`
	}
}

func (s *Server) refresh(ctx context.Context, c *call, in *refreshInput) (*result[tokensBody], error) {
	token, cookies := in.Body.RefreshToken, false
	if token == "" {
		if token = s.cookie(c.fiber, refreshCookie); token == "" {
			return nil, messages.Refuse(messages.CodeInvalidToken, "there is no refresh token in the body, and none in a cookie")
		}
		if err := s.sameOrigin(c.fiber); err != nil {
			return nil, err
		}
		cookies = true
	}
	t, err := s.deps.Flows.Refresh(ctx, c.meta(), token, c.ip, userAgent(c))
	return s.tokens(c, cookies, t, err)
}

func (s *Server) logout(ctx context.Context, c *call, _ *none) (*result[none], error) {
	err := s.deps.Flows.SignOut(ctx, c.meta())
	if err == nil && c.byCookie {
		s.takeCookies(c.fiber)
	}
	return &result[none]{}, err
}

type currentSessionBody struct {
	Session sessionBody `json:"session"`
	User    *userBody   `json:"user" nullable:"false"`
	AMR     []string    `json:"amr" nullable:"false"`
	ACR     string      `json:"acr" doc:"Assurance level (NIST SP 800-63B)"`
	Scopes  []string    `json:"scopes" nullable:"false" doc:"What the credential is good for; * is everything"`

	CSRFToken string `json:"csrf_token" doc:"With cookies: for the header X-CSRF-Token of writes"`
}

func (s *Server) currentSession(ctx context.Context, c *call, _ *none) (*result[currentSessionBody], error) {
	session, err := s.deps.Sessions.GetSession(ctx, &messages.GetSession{Meta: c.meta(), SessionId: c.principal.SessionID})
	if err != nil {
		return nil, err
	}
	account, err := s.deps.Accounts.GetAccount(ctx, &messages.GetAccount{Meta: c.meta(), UserId: c.userID()})
	if err != nil {
		return nil, err
	}
	return ok(&currentSessionBody{
		Session: sessionOf(session, c.principal.SessionID), User: userOf(account), AMR: filled(session.GetAmr()), ACR: "aal1", Scopes: []string{"*"},
		CSRFToken: s.csrfToken(c.principal.SessionID),
	})
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
