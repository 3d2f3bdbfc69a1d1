package messages

// Kinds of mails.
const (
	MailVerifyEmail     = "verify_email"      // to a new user: the link proves the address
	MailSetPassword     = "set_password"      // to a user whom an administrator made: the link sets his password
	MailAccountExists   = "account_exists"    // somebody registered with the address of an account
	MailResetPassword   = "reset_password"    // the link sets a new password
	MailPasswordChanged = "password_changed"  // by a link
	MailConfirmEmail    = "confirm_email"     // to the present address, of a change
	MailConfirmNewEmail = "confirm_new_email" // to the new one
	MailEmailChanged    = "email_changed"     // to the address before
	MailInvitation      = "invitation"        // to a project
	MailOwnershipOffer  = "ownership_offer"   // of a project
	MailWelcome         = "welcome"           // to a new user who need not prove the address
)

// What addresses that may have an account or none are asked for. It is written
// down as if it were a mail, so that the reply tells nothing of what comes of it.
const (
	AskVerification  = "ask_verification"
	AskPasswordReset = "ask_password_reset"
)

// EraseUser is what is left to do for a user who was deleted: it waits with the mails,
// addressed to his id, until it is done.
const EraseUser = "erase_user"

// Purposes of one-time links. A token is good for its own purpose.
const (
	LinkVerify       = "verify"
	LinkReset        = "reset"
	LinkConfirmEmail = "email"
	LinkInvitation   = "invitation"
)

// UsedUp is the refusal of a link that was used, replaced or is too old.
func UsedUp() *Error {
	return Refuse(CodeLinkExpired, "the link was used, replaced or is too old: ask for a new one")
}
