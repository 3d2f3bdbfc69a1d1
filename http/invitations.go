package http

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"atelier/messages"
)

type invitationBody struct {
	ID        string `json:"id" format:"uuid"`
	ProjectID string `json:"project_id" format:"uuid"`
	Email     string `json:"email"`
	Role      string `json:"role" enum:"viewer,commenter,editor,collaborator,admin"`
	InvitedBy string `json:"invited_by" format:"uuid"`
	CreatedAt string `json:"created_at" format:"date-time"`
	ExpiresAt string `json:"expires_at" format:"date-time"`
}

func invitationOf(i *messages.Invitation) invitationBody {
	return invitationBody{
		ID: i.GetId(), ProjectID: i.GetProjectId(), Email: i.GetEmail(), Role: i.GetRole(), InvitedBy: i.GetInvitedBy(),
		CreatedAt: timeText(i.GetCreatedAt()), ExpiresAt: timeText(i.GetExpiresAt()),
	}
}

// invitedBody is an invitation as the invited sees it.
type invitedBody struct {
	ID          string `json:"id" format:"uuid"`
	ProjectID   string `json:"project_id" format:"uuid"`
	ProjectName string `json:"project_name"`
	Email       string `json:"email"`
	Role        string `json:"role" enum:"viewer,commenter,editor,collaborator,admin"`
	InvitedBy   string `json:"invited_by" format:"uuid"`
	CreatedAt   string `json:"created_at" format:"date-time"`
	ExpiresAt   string `json:"expires_at" format:"date-time"`
	Token       string `json:"token,omitempty" doc:"Of its link; in the list of one's own"`
}

func invitedOf(i *messages.Invitation, token string) invitedBody {
	return invitedBody{
		ID: i.GetId(), ProjectID: i.GetProjectId(), ProjectName: i.GetProjectName(), Email: i.GetEmail(), Role: i.GetRole(),
		InvitedBy: i.GetInvitedBy(), CreatedAt: timeText(i.GetCreatedAt()), ExpiresAt: timeText(i.GetExpiresAt()), Token: token,
	}
}

type listInvitationsInput struct {
	projectInput
	list
}

func (s *Server) listInvitations(ctx context.Context, c *call, in *listInvitationsInput) (*result[page[invitationBody]], error) {
	after, err := s.after(c, &in.list)
	if err != nil {
		return nil, err
	}
	found, err := s.deps.Projects.ListInvitations(ctx, &messages.ListInvitations{Meta: c.meta(), ProjectId: in.ProjectID})
	if err != nil {
		return nil, err
	}
	return invitationPage(s, c, in.limit(), after, found.GetItems(), invitationOf)
}

// invitationPage is a page of invitations, the newest first. There are few enough of them
// to be had all at once.
func invitationPage[B any](s *Server, c *call, limit int32, after *messages.PageKey, all []*messages.Invitation, body func(*messages.Invitation) B) (*result[page[B]], error) {
	p := &page[B]{Items: []B{}}
	for _, i := range slices.SortedFunc(slices.Values(all), func(a, b *messages.Invitation) int { return byAge(keyOf(a), keyOf(b)) }) {
		if after != nil && byAge(keyOf(i), after) <= 0 {
			continue
		}
		if len(p.Items) == int(limit) {
			p.NextCursor = s.next(c, after)
			break
		}
		p.Items = append(p.Items, body(i))
		after = keyOf(i)
	}
	return ok(p)
}

func keyOf(i *messages.Invitation) *messages.PageKey {
	return &messages.PageKey{At: i.GetCreatedAt(), Id: i.GetId()}
}

// byAge puts the newest first.
func byAge(a, b *messages.PageKey) int {
	return cmp.Or(cmp.Compare(b.GetAt(), a.GetAt()), strings.Compare(b.GetId(), a.GetId()))
}

type inviteInput struct {
	projectInput
	Body struct {
		Email string `json:"email" minLength:"3" maxLength:"254"`
		Role  string `json:"role,omitempty" enum:"viewer,commenter,editor,collaborator,admin"`
	}
}

func (s *Server) invite(ctx context.Context, c *call, in *inviteInput) (*result[acceptedBody], error) {
	return accepted(s.deps.Flows.Invite(ctx, c.meta(), in.ProjectID, in.Body.Email, in.Body.Role))
}

type invitationInput struct {
	projectInput
	InvitationID string `path:"invitation_id" format:"uuid"`
}

func (s *Server) revokeInvitation(ctx context.Context, c *call, in *invitationInput) (*result[none], error) {
	_, err := s.deps.Projects.RevokeInvitation(ctx, &messages.RevokeInvitation{Meta: c.meta(), ProjectId: in.ProjectID, InvitationId: in.InvitationID})
	return &result[none]{}, err
}

func (s *Server) resendInvitation(ctx context.Context, c *call, in *invitationInput) (*result[acceptedBody], error) {
	return accepted(s.deps.Flows.ResendInvitation(ctx, c.meta(), in.ProjectID, in.InvitationID))
}

// invitationToken is the token of an invitation's link.
type invitationToken struct {
	Token string `path:"token" maxLength:"200"`
}

func (s *Server) getInvitation(ctx context.Context, c *call, in *invitationToken) (*result[invitedBody], error) {
	i, err := s.deps.Flows.Invitation(ctx, c.meta(), in.Token)
	if err != nil {
		return nil, err
	}
	body := invitedOf(i, "")
	return ok(&body)
}

func (s *Server) acceptInvitation(ctx context.Context, c *call, in *invitationToken) (*result[collaboratorBody], error) {
	return collaborated(s.deps.Flows.AcceptInvitation(ctx, c.meta(), in.Token))
}

func (s *Server) declineInvitation(ctx context.Context, c *call, in *invitationToken) (*result[none], error) {
	return &result[none]{}, s.deps.Flows.DeclineInvitation(ctx, c.meta(), in.Token)
}

type myInvitationsInput struct{ list }

func (s *Server) myInvitations(ctx context.Context, c *call, in *myInvitationsInput) (*result[page[invitedBody]], error) {
	after, err := s.after(c, &in.list)
	if err != nil {
		return nil, err
	}
	found, tokens, err := s.deps.Flows.MyInvitations(ctx, c.meta())
	if err != nil {
		return nil, err
	}
	return invitationPage(s, c, in.limit(), after, found, func(i *messages.Invitation) invitedBody { return invitedOf(i, tokens[i.GetId()]) })
}

type offerInput struct {
	projectInput
	Body struct {
		UserID idText `json:"user_id" format:"uuid"`
	}
}

func (s *Server) offerOwnership(ctx context.Context, c *call, in *offerInput) (*result[projectBody], error) {
	return projected(s.deps.Flows.OfferOwnership(ctx, c.meta(), in.ProjectID, string(in.Body.UserID)))
}

func (s *Server) acceptOwnership(ctx context.Context, c *call, in *projectInput) (*result[projectBody], error) {
	return projected(s.deps.Projects.AcceptOwnership(ctx, &messages.AcceptOwnership{Meta: c.meta(), ProjectId: in.ProjectID}))
}

func (s *Server) declineOwnership(ctx context.Context, c *call, in *projectInput) (*result[none], error) {
	_, err := s.deps.Projects.DeclineOwnership(ctx, &messages.DeclineOwnership{Meta: c.meta(), ProjectId: in.ProjectID})
	return &result[none]{}, err
}

// tableInvitations are the ways into a project, and the change of its owner.
func (s *Server) tableInvitations() {
	write := []string{messages.CodeNotFound, messages.CodeForbidden, messages.CodeInvalidState}
	full := append(write, messages.CodeCollaboratorLimitReached, messages.CodeAlreadyCollaborator)
	add(s, operation{ID: "listInvitations", Method: "GET", Path: "/projects/{project_id}/invitations", Summary: "Invitations that wait, newest first", Permission: projectMembers, Status: 200, List: true, Codes: write}, s.listInvitations)
	add(s, operation{ID: "invite", Method: "POST", Path: "/projects/{project_id}/invitations", Summary: "Mail an address an invitation; the reply does not tell whether it has an account", Permission: projectMembers, Status: 202, Codes: append(write, messages.CodeTooManyAttempts)}, s.invite)
	add(s, operation{ID: "revokeInvitation", Method: "DELETE", Path: "/projects/{project_id}/invitations/{invitation_id}", Summary: "Take an invitation back", Permission: projectMembers, Status: 204, Codes: write}, s.revokeInvitation)
	add(s, operation{ID: "resendInvitation", Method: "POST", Path: "/projects/{project_id}/invitations/{invitation_id}/resend", Summary: "Mail an invitation again", Permission: projectMembers, Status: 202, Codes: append(write, messages.CodeTooManyAttempts)}, s.resendInvitation)
	add(s, operation{ID: "getInvitation", Method: "GET", Path: "/invitations/{token}", Summary: "What a link invites to", Permission: public, Status: 200, Codes: linkCodes()}, s.getInvitation)
	add(s, operation{ID: "acceptInvitation", Method: "POST", Path: "/invitations/{token}/accept", Summary: "Become a collaborator; the invitation must be for my address, and stays where the project is full", Permission: signedIn, Status: 200,
		ETag: true, Creates: true, Codes: linkCodes(full...)}, s.acceptInvitation)
	add(s, operation{ID: "declineInvitation", Method: "POST", Path: "/invitations/{token}/decline", Summary: "End an invitation for my address", Permission: signedIn, Status: 204, Codes: linkCodes(messages.CodeForbidden)}, s.declineInvitation)
	add(s, operation{ID: "myInvitations", Method: "GET", Path: "/users/me/invitations", Summary: "Invitations for my address, newest first; the 100 newest", Permission: signedIn, Status: 200, List: true}, s.myInvitations)
	add(s, operation{ID: "offerOwnership", Method: "POST", Path: "/projects/{project_id}/transfer", Summary: "Offer the project to another user", Permission: projectTransfer, Status: 200, ETag: true, Codes: append(write, messages.CodeTooManyAttempts)}, s.offerOwnership)
	add(s, operation{ID: "acceptOwnership", Method: "POST", Path: "/projects/{project_id}/transfer/accept", Summary: "Become the owner; the one before stays as an admin", Permission: signedIn, Status: 200, ETag: true,
		Codes: append(write, messages.CodeCollaboratorLimitReached)}, s.acceptOwnership)
	add(s, operation{ID: "declineOwnership", Method: "POST", Path: "/projects/{project_id}/transfer/decline", Summary: "End an offer that was made to me, or that I made", Permission: signedIn, Status: 204, Codes: write}, s.declineOwnership)
}
