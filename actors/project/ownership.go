package project

import (
	"time"

	"atelier/messages"
)

// OfferLife is for how long an offer of ownership is good.
const OfferLife = 7 * 24 * time.Hour

// Offer is one of ownership. The zero value is none.
type Offer struct {
	User    messages.UserID `json:"user,omitempty"`
	Expires int64           `json:"expires,omitempty"` // microseconds since the epoch
}

func (o Offer) stands(now time.Time) bool {
	return o.User != "" && now.Before(messages.Time(o.Expires))
}

// OfferOwnership offers the project to another user; in an archived project too.
func OfferOwnership(s *State, c *messages.OfferOwnership, now time.Time) ([]messages.Event, error) {
	if err := mayArchivedToo(s, c, Transfer); err != nil {
		return nil, err
	}
	if err := expectVersion(s, c); err != nil {
		return nil, err
	}
	switch user := messages.UserID(c.GetUserId()); {
	case c.GetEmail() == "":
		return nil, messages.Missing("user")
	case user == s.Owner:
		return nil, messages.Invalid("/user_id", "not_allowed", "this is the owner already")
	}
	expires := now.Add(OfferLife)
	return []messages.Event{
		&messages.ProjectOwnershipOffered{UserId: c.GetUserId(), ExpiresAt: messages.FormatTime(expires)},
		&messages.MailQueued{Kind: messages.MailOwnershipOffer, To: c.GetEmail(), ExpiresAt: messages.Micros(expires), Params: &messages.MailParams{
			Name: c.GetName(), Owner: string(s.ID), By: c.GetInviter(), About: s.Name,
		}},
	}, nil
}

// AcceptOwnership makes the caller the owner. The one before stays as an admin, which
// takes a seat unless the new one leaves his.
func AcceptOwnership(s *State, c *messages.AcceptOwnership, now time.Time) ([]messages.Event, error) {
	if err := s.offered(caller(c), now); err != nil {
		return nil, err
	}
	if err := expectVersion(s, c); err != nil {
		return nil, err
	}
	if _, member := s.index[s.Offer.User]; !member && len(s.members) >= s.Settings.MaxCollaborators {
		return nil, messages.Refuse(messages.CodeCollaboratorLimitReached, "maximum collaborators reached")
	}
	return []messages.Event{&messages.ProjectOwnershipTransferred{OwnerId: string(caller(c)), PreviousOwnerId: string(s.Owner)}}, nil
}

// DeclineOwnership ends the offer.
func DeclineOwnership(s *State, c *messages.DeclineOwnership, now time.Time) ([]messages.Event, error) {
	user := caller(c)
	if user == s.Owner && user != "" {
		user = s.Offer.User
	}
	if err := s.offered(user, now); err != nil {
		return nil, err
	}
	return []messages.Event{&messages.ProjectOwnershipDeclined{UserId: string(user)}}, nil
}

// offered refuses whom the project is not offered to: who may read it is told so, and
// others nothing.
func (s *State) offered(user messages.UserID, now time.Time) error {
	if user != "" && user == s.Offer.User && s.Offer.stands(now) {
		return nil
	}
	if rank(s.RoleOf(user)) == 0 && (user == "" || user != s.Offer.User) {
		return messages.Missing("project")
	}
	return messages.Refuse(messages.CodeInvalidState, "ownership is not offered to this user")
}

// transfer swaps the roles: the owner before becomes an admin.
func (s *State) transfer(e *messages.ProjectOwnershipTransferred, at messages.Stamp) {
	after, before := messages.UserID(e.GetOwnerId()), messages.UserID(e.GetPreviousOwnerId())
	if _, member := s.index[after]; member {
		s.remove(after)
	}
	s.Owner, s.Offer = after, Offer{}
	s.add(Member{User: before, Role: RoleAdmin, AddedAt: at.At, AddedBy: after})
}
