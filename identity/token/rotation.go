package token

import (
	"context"
	"fmt"
	"time"

	"atelier/messages"
)

// States of keys.
const (
	Waits    = "waits"    // published, signs from ActivatesAt
	Signs    = "signs"    // what is made now
	Verifies = "verifies" // what it signed before its successor did
)

// Standing is a key and what it is good for.
type Standing struct {
	Kid       string    `json:"kid"`
	Use       string    `json:"use"`
	State     string    `json:"state"`
	CreatedAt time.Time `json:"created_at"`
	Signs     time.Time `json:"signs_from"`
	Until     time.Time `json:"verifies_until,omitzero"` // zero: no successor is known
	Sealed    []byte    `json:"-"`
}

// LeastOverlap is the shortest overlap: all nodes have looked at the store by
// then, and again.
func (c RingConfig) LeastOverlap() time.Duration { return 2 * c.Every }

// List tells what the store holds, and changes nothing.
func (r *Ring) List(ctx context.Context) ([]Standing, error) {
	set, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	now := r.now()
	var all []Standing
	for _, use := range []string{UseAccess, UseRefresh} {
		keys := set.of(use)
		for i, k := range keys {
			s := Standing{Kid: k.Kid, Use: use, CreatedAt: k.CreatedAt, Signs: k.ActivatesAt, State: Signs, Sealed: k.Key.Sealed}
			if i+1 < len(keys) {
				s.Until = r.until(use, keys[i+1])
			}
			switch {
			case k.ActivatesAt.After(now):
				s.State = Waits
			case succeeded(keys, i, now):
				s.State = Verifies
			}
			all = append(all, s)
		}
	}
	return all, nil
}

// succeeded reports whether a successor of the key signs.
func succeeded(keys []openKey, i int, now time.Time) bool {
	return i+1 < len(keys) && !keys[i+1].ActivatesAt.After(now)
}

// Rotate makes successors before their time. They are published at once and sign
// after the overlap, in which all nodes, and others who verify tokens by the key
// set, get to know them. What the keys before have signed stays good. A use that
// has a successor already keeps it; where both have, that is an error.
func (r *Ring) Rotate(ctx context.Context, overlap time.Duration) error {
	if least := r.config.LeastOverlap(); overlap < least || overlap > r.config.RotateEvery {
		return messages.Invalid("overlap", "out_of_range", "an overlap must be %s to %s", least, r.config.RotateEvery)
	}
	r.refresh.Lock()
	defer r.refresh.Unlock()
	if err := r.renew(ctx); err != nil {
		return err
	}
	now, set, made := r.now(), r.keys.Load(), false
	for _, use := range []string{UseAccess, UseRefresh} {
		keys := set.of(use)
		if n := len(keys); n > 0 && keys[n-1].ActivatesAt.After(now) {
			continue
		}
		added, err := r.store.AddKey(ctx, r.next(use, keys, now, now.Add(overlap)))
		if err != nil {
			return fmt.Errorf("token: store key: %w", err)
		}
		made = made || added
	}
	if !made {
		return messages.Refuse(messages.CodeInvalidState, "the keys have successors already, which sign from %s", set.access[len(set.access)-1].ActivatesAt.UTC().Format(time.DateTime))
	}
	return r.renew(ctx)
}

// Retire removes a key before its time, once a successor signs: what it signed is
// refused, here at once and on other nodes when they look at the store next. For a
// key of access tokens its holders refresh; for one of refresh tokens the sessions
// that began under it end, and links that were mailed under it are void.
func (r *Ring) Retire(ctx context.Context, kid string) error {
	r.refresh.Lock()
	defer r.refresh.Unlock()
	set, err := r.load(ctx)
	if err != nil {
		return err
	}
	now := r.now()
	for _, keys := range [][]openKey{set.access, set.refresh} {
		for i, k := range keys {
			if k.Kid != kid {
				continue
			}
			if !succeeded(keys, i, now) {
				return messages.Refuse(messages.CodeInvalidState, "no successor of %s signs yet: rotate first, and retire it after the overlap", kid)
			}
			if err := r.store.RemoveKey(ctx, kid); err != nil {
				return fmt.Errorf("token: remove key: %w", err)
			}
			return r.renew(ctx)
		}
	}
	return messages.Refuse(messages.CodeNotFound, "there is no key %q", kid)
}
