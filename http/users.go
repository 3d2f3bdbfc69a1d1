package http

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"atelier/messages"
)

type suspensionBody struct {
	Reason string  `json:"reason"`
	Until  *string `json:"until" format:"date-time" nullable:"true"`
	By     string  `json:"by"`
	At     string  `json:"at" format:"date-time"`
}

// staffUserBody is a user as those see him who administer the installation, or look
// after it.
type staffUserBody struct {
	ID         string          `json:"id" format:"uuid"`
	Email      string          `json:"email"`
	Name       string          `json:"name"`
	Status     string          `json:"status" enum:"pending,active,suspended,inactive"`
	Roles      []string        `json:"roles" nullable:"false"`
	Profile    profileBody     `json:"profile"`
	MFAEnabled bool            `json:"mfa_enabled"`
	CreatedAt  string          `json:"created_at" format:"date-time"`
	UpdatedAt  string          `json:"updated_at" format:"date-time"`
	LastLogin  *string         `json:"last_login" format:"date-time" nullable:"true"`
	Suspension *suspensionBody `json:"suspension,omitempty" nullable:"false" doc:"For administrators, while the user is suspended"`
}

// staffUserOf shows a suspension to administrators only.
func staffUserOf(c *call, a *messages.Account) staffUserBody {
	u := userOf(a)
	body := staffUserBody{
		ID: u.ID, Email: u.Email, Name: u.Name, Status: u.Status, Roles: u.Roles, Profile: u.Profile, MFAEnabled: u.MFAEnabled,
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, LastLogin: u.LastLogin,
	}
	if held := a.GetSuspension(); held != nil && a.GetStatus() == "suspended" && c.has(roleAdmin) {
		body.Suspension = &suspensionBody{Reason: held.GetReason(), By: held.GetBy(), At: timeText(held.GetAt())}
		if held.GetUntil() != 0 {
			until := timeText(held.GetUntil())
			body.Suspension.Until = &until
		}
	}
	return body
}

func staffResult(c *call, a *messages.Account, err error) (*result[staffUserBody], error) {
	if err != nil {
		return nil, err
	}
	body := staffUserOf(c, a)
	return &result[staffUserBody]{Body: &body, Version: a.GetVersion()}, nil
}

type listUsersInput struct {
	list
	Status string `query:"status" enum:"pending,active,suspended,inactive"`
	Email  string `query:"email" maxLength:"254" doc:"Exactly this address, in whatever letters."`
	Text   string `query:"q" maxLength:"100" doc:"Text in name or address."`
}

func (s *Server) listUsers(ctx context.Context, c *call, in *listUsersInput) (*result[page[staffUserBody]], error) {
	after, err := s.after(c, &in.list)
	if err != nil {
		return nil, err
	}
	found, err := s.deps.Queries.ListUsers(ctx, &messages.UserQuery{
		Status: in.Status, Email: in.Email, Text: in.Text, Now: messages.Micros(s.deps.Now()), Limit: in.limit(), After: after,
	})
	if err != nil {
		return nil, err
	}
	body := &page[staffUserBody]{Items: make([]staffUserBody, 0, len(found.GetItems())), NextCursor: s.next(c, found.GetNext())}
	for _, a := range found.GetItems() {
		body.Items = append(body.Items, staffUserOf(c, a))
	}
	return ok(body)
}

type createUserInput struct {
	Body struct {
		Email string   `json:"email" minLength:"3" maxLength:"254"`
		Name  string   `json:"name" minLength:"1" maxLength:"100"`
		Roles []string `json:"roles,omitempty" enum:"user,admin,auditor,support" maxItems:"10" nullable:"false"`
	}
}

func (s *Server) createUser(ctx context.Context, c *call, in *createUserInput) (*result[staffUserBody], error) {
	a, err := s.deps.Flows.CreateUser(ctx, c.meta(), in.Body.Email, in.Body.Name, in.Body.Roles)
	r, err := staffResult(c, a, err)
	if err == nil {
		r.Location = "/users/" + a.GetId()
	}
	return r, err
}

type userInput struct {
	UserID string `path:"user_id" format:"uuid"`
}

// visibleUserBody is a user as the caller may see him.
type visibleUserBody struct {
	ID         string          `json:"id" format:"uuid"`
	Name       string          `json:"name"`
	Profile    profileBody     `json:"profile"`
	Email      string          `json:"email,omitempty" doc:"This and what follows: for himself and those who look after the installation"`
	Status     string          `json:"status,omitempty" enum:"pending,active,suspended,inactive"`
	Roles      []string        `json:"roles,omitempty" nullable:"false"`
	MFAEnabled *bool           `json:"mfa_enabled,omitempty" nullable:"false"`
	CreatedAt  string          `json:"created_at,omitempty" format:"date-time"`
	UpdatedAt  string          `json:"updated_at,omitempty" format:"date-time"`
	LastLogin  **string        `json:"last_login,omitempty" format:"date-time" nullable:"true" doc:"Null before the first"`
	Suspension *suspensionBody `json:"suspension,omitempty" nullable:"false"`
}

// getUser shows everybody's name and profile, and the rest to who may see it.
func (s *Server) getUser(ctx context.Context, c *call, in *userInput) (*result[visibleUserBody], error) {
	id := in.UserID
	if id == "me" {
		id = c.userID()
	}
	if id != c.userID() && !c.has(roleAdmin, roleAuditor, roleSupport) {
		u, err := s.lookUp(ctx, id)
		if err != nil {
			return nil, err
		}
		if u == nil {
			return nil, messages.Missing("user")
		}
		return ok(&visibleUserBody{ID: u.GetId(), Name: u.GetName(), Profile: profileOf(u.GetProfile())})
	}
	a, err := s.deps.Accounts.GetAccount(ctx, &messages.GetAccount{Meta: c.meta(), UserId: id})
	if err != nil {
		return nil, err
	}
	u := staffUserOf(c, a)
	return &result[visibleUserBody]{Version: a.GetVersion(), Body: &visibleUserBody{
		ID: u.ID, Name: u.Name, Profile: u.Profile, Email: u.Email, Status: u.Status, Roles: u.Roles, MFAEnabled: &u.MFAEnabled,
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, LastLogin: &u.LastLogin, Suspension: u.Suspension,
	}}, nil
}

type updateUserInput struct {
	userInput
	Body struct {
		Name    *string       `json:"name,omitempty" minLength:"1" maxLength:"100" nullable:"false"`
		Profile *profileInput `json:"profile,omitempty" nullable:"false"`
		Roles   []string      `json:"roles,omitempty" enum:"user,admin,auditor,support" maxItems:"10" nullable:"false"`
	}
}

func (s *Server) updateUser(ctx context.Context, c *call, in *updateUserInput) (*result[staffUserBody], error) {
	command := &messages.UpdateAccount{Meta: c.meta(), UserId: in.UserID, Name: in.Body.Name, Profile: in.Body.Profile.change(), SetRoles: in.Body.Roles != nil, Roles: in.Body.Roles}
	a, err := s.deps.Accounts.UpdateAccount(ctx, command)
	return staffResult(c, a, err)
}

type replaceUserInput struct {
	userInput
	Body struct {
		Name    string        `json:"name" minLength:"1" maxLength:"100"`
		Profile *profileInput `json:"profile,omitempty" nullable:"false"`
		Roles   []string      `json:"roles" enum:"user,admin,auditor,support" maxItems:"10" nullable:"false"`
	}
}

// replaceUser sets every field that administrators set; a profile field that the body
// leaves out is cleared.
func (s *Server) replaceUser(ctx context.Context, c *call, in *replaceUserInput) (*result[staffUserBody], error) {
	profile := &messages.ProfileChange{}
	empty := ""
	for _, field := range []**string{&profile.DisplayName, &profile.AvatarUrl, &profile.Bio, &profile.Location, &profile.Timezone, &profile.Locale, &profile.Website} {
		*field = &empty
	}
	if given := in.Body.Profile.change(); given != nil {
		proto.Merge(profile, given)
	}
	a, err := s.deps.Accounts.UpdateAccount(ctx, &messages.UpdateAccount{
		Meta: c.meta(), UserId: in.UserID, Name: &in.Body.Name, Profile: profile, SetRoles: true, Roles: in.Body.Roles,
	})
	return staffResult(c, a, err)
}

func (s *Server) activateUser(ctx context.Context, c *call, in *userInput) (*result[staffUserBody], error) {
	a, err := s.deps.Accounts.ActivateUser(ctx, &messages.ActivateUser{Meta: c.meta(), UserId: in.UserID})
	return staffResult(c, a, err)
}

type suspendUserInput struct {
	userInput
	Body struct {
		Reason string  `json:"reason" minLength:"1" maxLength:"1000"`
		Until  *string `json:"until,omitempty" format:"date-time" nullable:"true" doc:"No end where it is left out"`
	}
}

func (s *Server) suspendUser(ctx context.Context, c *call, in *suspendUserInput) (*result[staffUserBody], error) {
	command := &messages.SuspendUser{Meta: c.meta(), UserId: in.UserID, Reason: in.Body.Reason}
	if in.Body.Until != nil {
		until, err := time.Parse(time.RFC3339Nano, *in.Body.Until)
		if err != nil || until.UTC().Year() > 9999 {
			return nil, messages.Invalid("/until", "format", "until must be a time such as 2026-01-02T15:04:05Z")
		}
		if !until.After(s.deps.Now()) { // what is 0 for the account would be no end
			return nil, messages.Invalid("/until", "out_of_range", "until must be in the future")
		}
		command.Until = until.UnixMicro()
	}
	a, err := s.deps.Accounts.SuspendUser(ctx, command)
	return staffResult(c, a, err)
}

func (s *Server) reactivateUser(ctx context.Context, c *call, in *userInput) (*result[staffUserBody], error) {
	a, err := s.deps.Accounts.ReactivateUser(ctx, &messages.ReactivateUser{Meta: c.meta(), UserId: in.UserID})
	return staffResult(c, a, err)
}

func (s *Server) deactivateUser(ctx context.Context, c *call, in *userInput) (*result[staffUserBody], error) {
	a, err := s.deps.Accounts.DeactivateUser(ctx, &messages.DeactivateUser{Meta: c.meta(), UserId: in.UserID})
	return staffResult(c, a, err)
}

// revokeSessions ends all sessions of a user.
func (s *Server) revokeSessions(ctx context.Context, c *call, in *userInput) (*result[none], error) {
	_, err := s.deps.Accounts.EndOtherSessions(ctx, &messages.EndOtherSessions{Meta: c.meta(), UserId: in.UserID})
	return &result[none]{}, err
}

// resendMail mails again the link that a pending user needs.
func (s *Server) resendMail(ctx context.Context, c *call, in *userInput) (*result[acceptedBody], error) {
	return accepted(s.deps.Flows.ResendMail(ctx, c.meta(), in.UserID))
}

func (s *Server) deleteUser(ctx context.Context, c *call, in *userInput) (*result[none], error) {
	_, err := s.deps.Accounts.DeleteAccount(ctx, &messages.DeleteAccount{Meta: c.meta(), UserId: in.UserID})
	return &result[none]{}, err
}
