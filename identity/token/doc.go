// Package token makes and reads tokens: access tokens (JWT, EdDSA; RFC 7519, RFC
// 8037, RFC 8725), refresh tokens (opaque, authenticated without a look-up) and
// the ring of keys behind both.
//
// Keys live sealed in the database. A Ring loads them, makes the first ones and
// rotates: a new key is published some time before it signs, and the old one
// verifies until its last token has expired. Ring.Start owns one goroutine that
// refreshes the ring; Stop waits for it. Reads go through an atomic pointer and
// never block.
package token
