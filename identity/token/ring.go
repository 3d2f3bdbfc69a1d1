package token

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Uses of keys.
const (
	UseAccess  = "access"  // Ed25519, signs access tokens
	UseRefresh = "refresh" // 32 bytes, authenticates refresh tokens
)

// Key is a stored key; its private part is sealed.
type Key struct {
	Kid         string
	Use         string
	Public      []byte
	Sealed      []byte
	CreatedAt   time.Time
	ActivatesAt time.Time
}

// KeyStore keeps keys for all nodes.
type KeyStore interface {
	Keys(ctx context.Context) ([]Key, error)
	// AddKey stores a key unless one of its id exists.
	AddKey(ctx context.Context, k Key) (added bool, err error)
	RemoveKey(ctx context.Context, kid string) error
}

// Sealer encrypts private parts for their place in the database.
type Sealer interface {
	Seal(place string, plain []byte) []byte
	Open(place string, sealed []byte) ([]byte, error)
}

// RingConfig times the life of keys.
type RingConfig struct {
	RotateEvery time.Duration // age at which a key gets a successor
	Overlap     time.Duration // a successor is published that long before it signs
	AccessLife  time.Duration // of access tokens, at most 15 minutes
	RefreshLife time.Duration // of refresh tokens: the longest session's
	Every       time.Duration // between looks at the store

	// Retired is called when a key of access tokens has gone: what was found out
	// about tokens that it signed is out of date. May be nil.
	Retired func()
}

// DefaultRingConfig rotates each 30 days, whatever the lifetime of sessions.
func DefaultRingConfig(sessionLifetime time.Duration) RingConfig {
	return RingConfig{
		RotateEvery: 30 * 24 * time.Hour, Overlap: 10 * time.Minute, AccessLife: 15 * time.Minute,
		RefreshLife: sessionLifetime, Every: 5 * time.Second,
	}
}

// Ring is the keys in use.
type Ring struct {
	config RingConfig
	store  KeyStore
	sealer Sealer
	now    func() time.Time
	log    *slog.Logger

	keys    atomic.Pointer[keySet] // written by Refresh
	refresh sync.Mutex
	quit    chan struct{}
	stop    sync.Once
	running sync.WaitGroup
}

type keySet struct {
	access  []openKey // oldest first
	refresh []openKey
	jwks    []byte
}

type openKey struct {
	Key
	private []byte // an ed25519.PrivateKey, made from its seed once, or what authenticates refresh tokens
}

// NewRing makes a ring without keys; Refresh or Start loads them.
func NewRing(config RingConfig, store KeyStore, sealer Sealer, now func() time.Time, log *slog.Logger) *Ring {
	r := &Ring{config: config, store: store, sealer: sealer, now: now, log: log, quit: make(chan struct{})}
	r.keys.Store(&keySet{jwks: []byte(`{"keys":[]}`)})
	return r
}

// Start loads the keys and keeps them fresh until Stop.
func (r *Ring) Start(ctx context.Context) error {
	if err := r.Refresh(ctx); err != nil {
		return err
	}
	r.running.Go(r.loop)
	return nil
}

// Stop ends the refreshing. It may be called again.
func (r *Ring) Stop() {
	r.stop.Do(func() { close(r.quit) })
	r.running.Wait()
}

func (r *Ring) loop() {
	tick := time.NewTicker(r.config.Every)
	defer tick.Stop()
	for {
		select {
		case <-r.quit:
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), r.config.Every)
		if err := r.Refresh(ctx); err != nil {
			r.log.Warn("signing keys were not refreshed", "error", err)
		}
		cancel()
	}
}

// Refresh loads the keys, makes those that are due and removes those that no
// token can need any more. Nodes that do so at once end with the same ring: a
// key's id is its use and the period it is made for.
func (r *Ring) Refresh(ctx context.Context) error {
	r.refresh.Lock()
	defer r.refresh.Unlock()
	return r.renew(ctx)
}

// renew is Refresh for who holds the lock.
func (r *Ring) renew(ctx context.Context) error {
	now := r.now()
	set, err := r.load(ctx)
	if err != nil {
		return err
	}
	made := false
	for _, use := range []string{UseAccess, UseRefresh} {
		key, due := r.successor(use, set.of(use), now)
		if !due {
			continue
		}
		if _, err := r.store.AddKey(ctx, key); err != nil {
			return fmt.Errorf("token: store key: %w", err)
		}
		made = true
	}
	if made {
		if set, err = r.load(ctx); err != nil {
			return err
		}
	}
	r.prune(ctx, set, now)
	set.jwks = jwks(set.access)
	before := r.keys.Swap(set)
	if r.config.Retired != nil && slices.ContainsFunc(before.access, func(k openKey) bool { _, there := find(set.access, k.Kid); return !there }) {
		r.config.Retired()
	}
	return nil
}

func (r *Ring) load(ctx context.Context) (*keySet, error) {
	stored, err := r.store.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("token: load keys: %w", err)
	}
	set := &keySet{}
	for _, k := range stored {
		private, err := r.sealer.Open(place(k.Kid), k.Sealed)
		if err != nil {
			return nil, fmt.Errorf("token: signing key %s: %w", k.Kid, err)
		}
		if k.Use == UseAccess {
			set.access = append(set.access, openKey{k, ed25519.NewKeyFromSeed(private)})
		} else {
			set.refresh = append(set.refresh, openKey{k, private})
		}
	}
	return set, nil
}

func (s *keySet) of(use string) []openKey {
	if use == UseAccess {
		return s.access
	}
	return s.refresh
}

// successor makes the next key of a use when it is due. The first one is active
// at once.
func (r *Ring) successor(use string, keys []openKey, now time.Time) (Key, bool) {
	activates := now
	if n := len(keys); n > 0 {
		due := keys[n-1].ActivatesAt.Add(r.config.RotateEvery)
		if now.Before(due.Add(-r.config.Overlap)) {
			return Key{}, false
		}
		activates = now.Add(r.config.Overlap)
	}
	return r.next(use, keys, now, activates), true
}

// next makes the key that follows on those of a use.
func (r *Ring) next(use string, keys []openKey, now, activates time.Time) Key {
	k := Key{Kid: fmt.Sprintf("%s-%d", use, len(keys)+1), Use: use, CreatedAt: now, ActivatesAt: activates}
	if n := len(keys); n > 0 {
		k.Kid = nextKid(use, keys[n-1].Kid)
	}
	private := make([]byte, 32)
	rand.Read(private) // never fails
	if use == UseAccess {
		k.Public = ed25519.NewKeyFromSeed(private).Public().(ed25519.PublicKey)
	}
	k.Sealed = r.sealer.Seal(place(k.Kid), private)
	return k
}

func nextKid(use, last string) string {
	var n int
	_, _ = fmt.Sscanf(last, use+"-%d", &n) // the first key follows on none
	return fmt.Sprintf("%s-%d", use, n+1)
}

// prune removes keys whose tokens have all expired since a successor signs.
func (r *Ring) prune(ctx context.Context, set *keySet, now time.Time) {
	prune := func(keys []openKey, use string) []openKey {
		for len(keys) > 1 && r.until(use, keys[1]).Before(now) {
			if err := r.store.RemoveKey(ctx, keys[0].Kid); err != nil {
				r.log.Warn("an expired signing key was not removed", "kid", keys[0].Kid, "error", err)
				return keys
			}
			keys = keys[1:]
		}
		return keys
	}
	set.access = prune(set.access, UseAccess)
	set.refresh = prune(set.refresh, UseRefresh)
}

// until is when nothing needs the key before the successor any more.
func (r *Ring) until(use string, successor openKey) time.Time {
	life := r.config.AccessLife
	if use == UseRefresh {
		life = r.config.RefreshLife
	}
	return successor.ActivatesAt.Add(life + r.config.Overlap)
}

// place binds a sealed key to its row.
func place(kid string) string { return "signing_keys|" + kid + "|sealed" }

// at is the key that was the newest active one at a time.
func at(keys []openKey, t time.Time) (openKey, error) {
	for i := len(keys) - 1; i >= 0; i-- {
		if !keys[i].ActivatesAt.After(t) || i == 0 {
			return keys[i], nil
		}
	}
	return openKey{}, errors.New("token: there is no key yet")
}

func find(keys []openKey, kid string) (openKey, bool) {
	for _, k := range keys {
		if k.Kid == kid {
			return k, true
		}
	}
	return openKey{}, false
}

// JWKS is the key set document (RFC 7517) of the access keys, public parts only.
func (r *Ring) JWKS() []byte { return r.keys.Load().jwks }

func jwks(keys []openKey) []byte {
	type jwk struct {
		Kty string `json:"kty"`
		Crv string `json:"crv"`
		Kid string `json:"kid"`
		Alg string `json:"alg"`
		Use string `json:"use"`
		X   string `json:"x"`
	}
	document := struct {
		Keys []jwk `json:"keys"`
	}{Keys: []jwk{}}
	for _, k := range keys {
		document.Keys = append(document.Keys, jwk{"OKP", "Ed25519", k.Kid, "EdDSA", "sig", base64.RawURLEncoding.EncodeToString(k.Public)})
	}
	b, _ := json.Marshal(document) // plain fields always marshal
	return b
}
