// Package audit chains the rows of the audit and finds out whether anybody has
// changed them since.
//
// Each row has a number and a hash over its content, its number and the hash before it.
// After every group that is numbered a checkpoint is signed (Ed25519). Whoever can write
// to the database, and does not have the master key, cannot change, remove, insert or
// swap a row that was numbered: the hashes no longer follow each other, or do not lead to
// what was signed. If he cuts off the end together with its checkpoints, the events of the log have
// no rows any more; for what is no event he is found out by whoever has noted
// a checkpoint elsewhere.
package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"atelier/messages"
)

// hash is that of a row behind another one's.
func hash(before []byte, r *messages.AuditRow) []byte {
	h := sha256.New()
	put := func(part []byte) {
		h.Write(binary.AppendUvarint(nil, uint64(len(part))))
		h.Write(part)
	}
	put([]byte("atelier audit 1"))
	put(before)
	put(binary.BigEndian.AppendUint64(nil, uint64(r.Seq)))
	put(binary.BigEndian.AppendUint64(nil, uint64(r.At.UnixMicro())))
	for _, part := range []string{r.ID, r.Actor, r.Action, r.Target, r.Result, r.Code, r.IP, r.RequestID, r.Detail} {
		put([]byte(part))
	}
	return h.Sum(nil)
}

// Keys sign checkpoints and know the signatures of earlier ones.
type Keys struct {
	signs ed25519.PrivateKey
	known map[string]ed25519.PublicKey
}

// NewKeys makes keys of seeds of 32 bytes, which are secrets. The first signs.
func NewKeys(seeds ...[]byte) *Keys {
	k := &Keys{known: map[string]ed25519.PublicKey{}}
	for i, seed := range seeds {
		private := ed25519.NewKeyFromSeed(seed)
		public := private.Public().(ed25519.PublicKey)
		if k.known[name(public)] = public; i == 0 {
			k.signs = private
		}
	}
	return k
}

func name(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// Seal numbers and chains rows behind the last checkpoint, and signs the next one.
// The zero checkpoint stands before the first row.
func (k *Keys) Seal(last messages.AuditCheckpoint, rows []messages.AuditRow, now time.Time) messages.AuditCheckpoint {
	next := messages.AuditCheckpoint{Seq: last.Seq, Hash: last.Hash, At: now.UTC().Truncate(time.Microsecond)}
	for i := range rows {
		next.Seq++
		rows[i].Seq = next.Seq
		rows[i].Hash = hash(next.Hash, &rows[i])
		next.Hash = rows[i].Hash
	}
	next.Signer = name(k.signs.Public().(ed25519.PublicKey))
	next.Signature = ed25519.Sign(k.signs, statement(&next))
	return next
}

// statement is what is signed.
func statement(c *messages.AuditCheckpoint) []byte {
	b := append([]byte("atelier audit checkpoint 1\n"), c.Signer...)
	b = binary.BigEndian.AppendUint64(append(b, 0), uint64(c.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(c.At.UnixMicro()))
	return append(b, c.Hash...)
}

// signed reports whether one of the keys has signed the checkpoint.
func (k *Keys) signed(c *messages.AuditCheckpoint) bool {
	public, known := k.known[c.Signer]
	return known && ed25519.Verify(public, statement(c), c.Signature)
}
