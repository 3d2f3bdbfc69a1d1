// Package identity holds the flows that turn people into principals:
// registration, sign-in, refresh, sign-out, password change and the check of
// every request's token. The truth lives in the account and session entities;
// the flows reach them through small interfaces and do the cryptography.
package identity

import (
	"time"

	"atelier/messages"
)

// Registration is what a new user gives.
type Registration struct {
	Email    string
	Name     string
	Password string
}

// Credentials are what a sign-in presents, and from where.
type Credentials struct {
	Email     string
	Password  string
	IP        string
	Device    string // token that an earlier sign-in on the device gave; may be empty, or anything
	UserAgent string
}

// Tokens are the outcome of a sign-in or refresh.
type Tokens struct {
	AccessToken  string
	ExpiresIn    time.Duration
	RefreshToken string
	SessionID    string
	Account      *messages.Account
	Device       string // token for the device, to be shown at the next sign-in; empty: none
}

// Principal is whom a valid access token speaks for.
type Principal struct {
	UserID    string
	SessionID string
	Roles     []string
	Expires   time.Time // of the token, and not after Ends
	Ends      time.Time // of the session, whatever happens
}
