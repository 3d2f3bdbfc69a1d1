// Package mail sends the mails that commands have queued in their transactions.
//
// Each node runs one Sender. It claims mails that are due: a claim is a lease, kept
// in the row, after which another node may have the mail, so that one whose sender
// died is sent by another, and at worst sent twice. A mail that the transport does
// not take is tried again, less and less often, until it has expired or was refused
// for good. Who queued one wakes the node's Sender, which looks by itself too.
//
// Mails carry no secret. The token of a link is derived from the link's id when the
// mail is composed, and is stored nowhere.
//
// Rows are also what addresses asked for, such as a new password: whether they have
// an account is looked up here, behind the reply. And they are what is left to do for
// users who were deleted.
package mail
