package sqlite

import (
	"time"

	"atelier/actors/store"
)

var (
	insertCommand = stmt(`
		INSERT INTO commands (principal, command_id, fingerprint, reply, expires_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (principal, command_id) DO UPDATE SET fingerprint = excluded.fingerprint, reply = excluded.reply,
			expires_at = excluded.expires_at
		WHERE expires_at <= ?`)
	deleteCommand = stmt(`DELETE FROM commands WHERE principal = ? AND command_id = ?`)
	selectCommand = stmt(`SELECT fingerprint, reply FROM commands WHERE principal = ? AND command_id = ? AND expires_at > ?`)
)

// remember stores the commands of a commit, unless one of them was carried out
// before: then it stores none and fresh is false. Those that have expired by now
// are not remembered, whether swept yet or not.
func (c *connection) remember(replies []store.Reply, now time.Time) (fresh bool, err error) {
	if !deduped {
		return true, nil
	}
	for i, r := range replies {
		stored, err := c.exec(insertCommand, r.Principal, r.Command, nonNil(r.Fingerprint), nonNil(r.Body), r.Expires.UnixMicro(), now.UnixMicro())
		if err != nil {
			return false, err
		}
		if stored == 0 {
			return false, c.forget(replies[:i])
		}
	}
	return true, nil
}

// forget takes back what remember stored, for a commit that is not applied.
func (c *connection) forget(replies []store.Reply) error {
	for _, r := range replies {
		if _, err := c.exec(deleteCommand, r.Principal, r.Command); err != nil {
			return err
		}
	}
	return nil
}

func (c *connection) recallOwn(replies []store.Reply, now time.Time) ([]store.Reply, error) {
	keys := make([]store.CommandKey, 0, len(replies))
	for _, r := range replies {
		keys = append(keys, r.CommandKey)
	}
	return c.recall(keys, now)
}

// recall finds the stored replies of those commands that were carried out.
func (c *connection) recall(keys []store.CommandKey, now time.Time) (known []store.Reply, err error) {
	if !deduped {
		return nil, nil
	}
	for _, key := range keys {
		err := c.each(selectCommand, []any{key.Principal, key.Command, now.UnixMicro()}, func(r *row) error {
			known = append(known, store.Reply{CommandKey: key, Fingerprint: r.blob(), Body: r.blob()})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return known, nil
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
