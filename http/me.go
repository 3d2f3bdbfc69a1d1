package http

import (
	"bytes"
	"context"

	"github.com/danielgtaylor/huma/v2"

	"atelier/messages"
)

type accounts interface {
	GetAccount(context.Context, *messages.GetAccount) (*messages.Account, error)
	UpdateAccount(context.Context, *messages.UpdateAccount) (*messages.Account, error)
	GetPreferences(context.Context, *messages.GetPreferences) (*messages.Preferences, error)
	UpdatePreferences(context.Context, *messages.UpdatePreferences) (*messages.Preferences, error)
	EndSession(context.Context, *messages.EndSession) (*messages.Done, error)
	EndOtherSessions(context.Context, *messages.EndOtherSessions) (*messages.Done, error)
	ActivateUser(context.Context, *messages.ActivateUser) (*messages.Account, error)
	SuspendUser(context.Context, *messages.SuspendUser) (*messages.Account, error)
	ReactivateUser(context.Context, *messages.ReactivateUser) (*messages.Account, error)
	DeleteAccount(context.Context, *messages.DeleteAccount) (*messages.Done, error)
	DeactivateUser(context.Context, *messages.DeactivateUser) (*messages.Account, error)
}

type sessions interface {
	GetSession(context.Context, *messages.GetSession) (*messages.Session, error)
}

func userResult(a *messages.Account, err error) (*result[userBody], error) {
	if err != nil {
		return nil, err
	}
	return &result[userBody]{Body: userOf(a), Version: a.GetVersion()}, nil
}

func (s *Server) getMe(ctx context.Context, c *call, _ *none) (*result[userBody], error) {
	return userResult(s.deps.Accounts.GetAccount(ctx, &messages.GetAccount{Meta: c.meta(), UserId: c.userID()}))
}

// clearable is a text that null clears.
type clearable struct{ text *string }

func (t *clearable) set(value any) {
	text, _ := value.(string)
	t.text = &text
}

// Schema is that of a nullable string.
func (clearable) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Nullable: true}
}

type profileInput struct {
	DisplayName clearable `json:"display_name,omitempty" maxLength:"100"`
	AvatarURL   clearable `json:"avatar_url,omitempty" maxLength:"2048"`
	Bio         clearable `json:"bio,omitempty" maxLength:"1000"`
	Location    clearable `json:"location,omitempty" maxLength:"100"`
	Timezone    clearable `json:"timezone,omitempty" maxLength:"64"`
	Locale      clearable `json:"locale,omitempty" maxLength:"35"`
	Website     clearable `json:"website,omitempty" maxLength:"2048"`
}

type updateMeInput struct {
	Body struct {
		Name    *string       `json:"name,omitempty" minLength:"1" maxLength:"100" nullable:"false"`
		Profile *profileInput `json:"profile,omitempty" nullable:"false"`
	}
}

// change is nil where there is none.
func (p *profileInput) change() *messages.ProfileChange {
	if p == nil {
		return nil
	}
	return &messages.ProfileChange{
		DisplayName: p.DisplayName.text, AvatarUrl: p.AvatarURL.text, Bio: p.Bio.text, Location: p.Location.text,
		Timezone: p.Timezone.text, Locale: p.Locale.text, Website: p.Website.text,
	}
}

func (s *Server) updateMe(ctx context.Context, c *call, in *updateMeInput) (*result[userBody], error) {
	return userResult(s.deps.Accounts.UpdateAccount(ctx, &messages.UpdateAccount{
		Meta: c.meta(), UserId: c.userID(), Name: in.Body.Name, Profile: in.Body.Profile.change(),
	}))
}

func preferencesResult(p *messages.Preferences, err error) (*result[freeObject], error) {
	if err != nil {
		return nil, err
	}
	body := freeObject(p.GetJson())
	return &result[freeObject]{Body: &body, Version: p.GetVersion()}, nil
}

func (s *Server) getPreferences(ctx context.Context, c *call, _ *none) (*result[freeObject], error) {
	return preferencesResult(s.deps.Accounts.GetPreferences(ctx, &messages.GetPreferences{Meta: c.meta(), UserId: c.userID()}))
}

type updatePreferencesInput struct{ Body freeObject }

// updatePreferences hands on the patch as it came: digits of numbers and the
// difference between null and absence matter.
func (s *Server) updatePreferences(ctx context.Context, c *call, _ *updatePreferencesInput) (*result[freeObject], error) {
	patch := bytes.Clone(c.fiber.Request().Body())
	if len(patch) > messages.MaxPatch {
		return nil, messages.Refuse(messages.CodePayloadTooLarge, "a patch of preferences has at most %d bytes", messages.MaxPatch)
	}
	return preferencesResult(s.deps.Accounts.UpdatePreferences(ctx, &messages.UpdatePreferences{Meta: c.meta(), UserId: c.userID(), Patch: patch}))
}

type changePasswordInput struct {
	Body struct {
		CurrentPassword string `json:"current_password" maxLength:"4096"`
		NewPassword     string `json:"new_password" maxLength:"1024"`
	}
}

func (s *Server) changePassword(ctx context.Context, c *call, in *changePasswordInput) (*result[none], error) {
	return &result[none]{}, s.deps.Flows.ChangePassword(ctx, c.meta(), in.Body.CurrentPassword, in.Body.NewPassword)
}

type listInput struct{ list }

func (s *Server) listSessions(ctx context.Context, c *call, in *listInput) (*result[page[sessionBody]], error) {
	after, err := s.after(c, &in.list)
	if err != nil {
		return nil, err
	}
	found, err := s.deps.Queries.ListSessions(ctx, &messages.SessionQuery{
		UserId: c.userID(), Now: messages.Micros(s.deps.Now()), Limit: in.limit(), After: after,
	})
	if err != nil {
		return nil, err
	}
	body := &page[sessionBody]{Items: make([]sessionBody, 0, len(found.GetItems())), NextCursor: s.next(c, found.GetNext())}
	for _, m := range found.GetItems() {
		body.Items = append(body.Items, sessionOf(m, c.principal.SessionID))
	}
	return ok(body)
}

func (s *Server) endOtherSessions(ctx context.Context, c *call, _ *none) (*result[none], error) {
	_, err := s.deps.Accounts.EndOtherSessions(ctx, &messages.EndOtherSessions{Meta: c.meta(), UserId: c.userID(), ExceptSessionId: c.principal.SessionID})
	return &result[none]{}, err
}

type sessionInput struct {
	SessionID string `path:"session_id" format:"uuid"`
}

func (s *Server) endSession(ctx context.Context, c *call, in *sessionInput) (*result[none], error) {
	_, err := s.deps.Accounts.EndSession(ctx, &messages.EndSession{Meta: c.meta(), UserId: c.userID(), SessionId: in.SessionID, Reason: messages.EndedByUser})
	return &result[none]{}, err
}

func (s *Server) deleteMe(ctx context.Context, c *call, _ *none) (*result[none], error) {
	_, err := s.deps.Accounts.DeleteAccount(ctx, &messages.DeleteAccount{Meta: c.meta(), UserId: c.userID()})
	if messages.HasCode(err, messages.CodeNotFound) { // another request was quicker
		err = messages.Refuse(messages.CodeSessionRevoked, "the session has ended")
	}
	return &result[none]{}, err
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
