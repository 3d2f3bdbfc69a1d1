package account

import (
	"time"

	"atelier/messages"
)

// DeletedName is what others see of a user who was deleted.
const DeletedName = "Deleted user"

// eraseLife is for how long it is tried to erase what is left of a deleted user.
const eraseLife = 10 * 365 * 24 * time.Hour

// Delete takes away who the user was: the row stays, since projects and logs name its
// id, without anything that tells who that is. His sessions end; his memberships and
// the personal fields of his events follow, for which an errand waits that is carried
// out however often it takes. Whether he owns projects, which refuses it, is found out
// by the commit.
func Delete(s *State, c *messages.DeleteAccount, now time.Time) ([]messages.Event, error) {
	if err := selfOr(s, c, RoleAdmin); err != nil {
		return nil, err
	}
	if err := expectVersion(s, c); err != nil {
		return nil, err
	}
	events := append(endAllBut(s, "", messages.EndedByDeletion), &messages.UserDeleted{UserId: string(s.ID)})
	return append(events, mailed(messages.EraseUser, string(s.ID), messages.Micros(now.Add(eraseLife)), &messages.MailParams{})), nil
}

// erase leaves what makes the account's log and its fence go on.
func (s *State) erase() {
	*s = State{
		ID: s.ID, Email: DeletedAddress(s.ID), TypedEmail: DeletedAddress(s.ID), Name: DeletedName, Status: Inactive, Roles: []string{RoleUser},
		Preferences: "{}", CredentialVersion: s.CredentialVersion, AuthEpoch: s.AuthEpoch, CreatedAt: s.CreatedAt, Sessions: s.Sessions, Erased: true,
	}
}

// DeletedAddress is the address in the place of a deleted user's: one of its own, and
// of nobody (RFC 2606). Nobody else can take it: what ends so is refused as an address.
func DeletedAddress(id messages.UserID) string { return "deleted-" + string(id) + "@" + deletedDomain }

const deletedDomain = "deleted.invalid"
