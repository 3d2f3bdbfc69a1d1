package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"atelier/identity/token"
	"atelier/messages"
	"atelier/persistence/postgres"
	"atelier/persistence/sqlite"
)

// Who changes the keys of tokens, as the audit tells it.
const (
	byRotation = "rotation" // since it was time
	byOperator = "operator" // who may reach the data directory or the database
)

// keyStore translates between the key of the port and an engine's row, and has the
// audit tell of each that comes and goes.
type keyStore[R postgres.SealedKey | sqlite.SealedKey] struct {
	db keyRows[R]
	by string
}

// keys is a keyStore whose changes can be somebody's.
type keys interface {
	token.KeyStore
	as(who string) token.KeyStore
}

type keyRows[R any] interface {
	Keys(context.Context) ([]R, error)
	AddKey(context.Context, R, messages.AuditRow) (bool, error)
	RemoveKey(ctx context.Context, kid string, told messages.AuditRow) error
}

func (k keyStore[R]) as(who string) token.KeyStore { return keyStore[R]{k.db, who} }

func (k keyStore[R]) Keys(ctx context.Context) ([]token.Key, error) {
	rows, err := k.db.Keys(ctx)
	keys := make([]token.Key, 0, len(rows))
	for _, row := range rows {
		keys = append(keys, token.Key(row))
	}
	return keys, err
}

func (k keyStore[R]) AddKey(ctx context.Context, key token.Key) (bool, error) {
	return k.db.AddKey(ctx, R(key), k.told("key.added", key.Kid))
}

func (k keyStore[R]) RemoveKey(ctx context.Context, kid string) error {
	return k.db.RemoveKey(ctx, kid, k.told("key.removed", kid))
}

func (k keyStore[R]) told(action, kid string) messages.AuditRow {
	detail, _ := json.Marshal(map[string]string{"by": k.by}) // a map of texts always marshals
	return messages.AuditRow{
		ID: uuid.Must(uuid.NewV7()).String(), At: time.Now().UTC().Truncate(time.Microsecond), Action: action, Target: "keys/" + kid,
		Result: messages.AuditDone, Detail: string(detail),
	}
}
