package identity

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"atelier/messages"
)

// Attempts bounds how often secrets are tried, by account, by device and by
// network, over all nodes. Only what failed counts in the end: an attempt is counted
// before the secret is looked at, so that a hundred at the same time are a hundred, and
// taken back when it was right.
//
// A stranger who fails on purpose must not lock people out. So devices that have
// signed in to the account before have a budget of their own, and their failures and
// those of strangers do not meet (OWASP, "Slow Down Online Guessing Attacks with Device
// Cookies"). A device shows a token that it was given at its last sign-in; else, where
// strangers have used up the account's budget, a network counts from which a session of
// the account is open.
type Attempts struct {
	config AttemptConfig
	store  AttemptStore
	known  func(ctx context.Context, user, network string) (bool, error)
	normal func(address string) (string, error)
	key    []byte
	now    func() time.Time
}

// AttemptStore keeps the logs of attempts.
type AttemptStore interface {
	// UpdateAttempts changes the logs of several keys at once: update is given what
	// is there and says what shall be there, or nil to leave it. It may be called
	// again where the first time did not count.
	UpdateAttempts(ctx context.Context, keys [][]byte, expires time.Time, update func(logs [][]byte) [][]byte) error
}

// AttemptConfig are the budgets.
type AttemptConfig struct {
	Account []messages.Limit // strangers at one account
	Device  []messages.Limit // a known device, or network, at one account
	Network []messages.Limit // a network of strangers at all accounts
	Mailed  []messages.Limit // mails of one kind that are asked for, to one address
	Mailing []messages.Limit // mails that one user, or network of strangers, asks for
}

// DefaultAttempts are few enough that guessing a password takes longer than people
// live, and enough for people who do not remember theirs.
func DefaultAttempts() AttemptConfig {
	limits := func(short, day int, window time.Duration) []messages.Limit {
		return []messages.Limit{{Name: "short", Most: short, Window: window}, {Name: "day", Most: day, Window: 24 * time.Hour}}
	}
	return AttemptConfig{
		Account: limits(10, 50, 15*time.Minute), Device: limits(10, 50, 15*time.Minute), Network: limits(50, 300, 15*time.Minute),
		Mailed: limits(5, 20, time.Hour), Mailing: limits(50, 200, time.Hour),
	}
}

// AttemptDeps is what the budgets stand on.
type AttemptDeps struct {
	Store  AttemptStore
	Known  func(ctx context.Context, user, network string) (bool, error) // whether a session of the user is open from there
	Normal func(address string) (string, error)                          // an address in its one form
	Key    []byte                                                        // 32 bytes, the same on all nodes
	Now    func() time.Time
}

// NewAttempts makes the budgets.
func NewAttempts(config AttemptConfig, d AttemptDeps) *Attempts {
	return &Attempts{config: config, store: d.Store, known: d.Known, normal: d.Normal, key: d.Key, now: d.Now}
}

// proveOnce is prove for who is counted, and takes care that as many tries are
// counted as are made.
func (s *Service) proveOnce(ctx context.Context, c Credentials) (*messages.Credential, error) {
	if s.attempts == nil {
		return s.prove(ctx, c.Email, c.Password)
	}
	owner, err := s.directory.FindCredential(ctx, c.Email)
	if err != nil {
		return nil, err
	}
	try, err := s.attempts.begin(ctx, s.attempts.name(c.Email), owner.GetUserId(), Source{Network: Network(c.IP), Device: c.Device})
	if err != nil {
		return nil, err
	}
	credential, err := s.prove(ctx, c.Email, c.Password)
	if messages.HasCode(err, messages.CodeInvalidCredentials) {
		return nil, err
	}
	if back := try.takeBack(ctx); err == nil && back != nil { // what was not compared was no try
		return nil, back
	}
	return credential, err
}

// again is begin for who is signed in and proves once more who he is.
func (a *Attempts) again(ctx context.Context, session string) (*attempt, error) {
	if a == nil {
		return nil, nil
	}
	return a.take(ctx, a.budget(a.config.Device, "session", session))
}

// What mails are asked for. Each has a budget of its own at an address: who uses up one
// keeps nobody from the others, and from his password.
const (
	mailRegistration = "registration"
	mailVerification = "verification"
	mailReset        = "reset"
	mailNewAddress   = "new address"
	mailInvitation   = "invitation"
	mailOffer        = "offer"
)

// mail does what mails somebody something, who is named by his address or by an id. It is
// counted: to him, and by the user or the network of strangers that asks. What is
// refused mails nothing, and only counts for as long as it takes.
func (s *Service) mail(ctx context.Context, m *messages.Meta, what, to string, do func() error) error {
	a := s.attempts
	if a == nil {
		return do()
	}
	by := a.budget(a.config.Mailing, "mailing", "user", m.GetPrincipal())
	if m.GetPrincipal() == "" {
		by = a.budget(a.config.Mailing, "mailing", "network", Network(m.GetIp()))
	}
	return a.counted(ctx, do, a.mailed(what, to), by)
}

// mailFor is mail for those who look after the installation: they may have many users to
// write to.
func (s *Service) mailFor(ctx context.Context, what, to string, do func() error) error {
	if s.attempts == nil {
		return do()
	}
	return s.attempts.counted(ctx, do, s.attempts.mailed(what, to))
}

func (a *Attempts) mailed(what, to string) attemptBudget {
	return a.budget(a.config.Mailed, "mailed", what, a.name(to))
}

// counted does what is counted unless it is refused, or was done before under the
// client's key.
func (a *Attempts) counted(ctx context.Context, do func() error, budgets ...attemptBudget) error {
	try, err := a.take(ctx, budgets...)
	if err != nil {
		return err
	}
	err = do()
	if o := messages.OutcomeFrom(ctx); decided(err) || o != nil && o.Replayed {
		_ = try.takeBack(ctx) // then it counts, which is no reason for another answer
	}
	return err
}

// decided reports whether an error is a refusal, after which nothing was done.
func decided(err error) bool {
	var refusal *messages.Error
	if !errors.As(err, &refusal) || refusal.GetRetryAfterMs() > 0 {
		return false
	}
	return refusal.GetCode() != messages.CodeOutcomeUnknown && refusal.GetCode() != messages.CodeTimeout
}

// name is an address as budgets know it: in whatever spelling the same.
func (a *Attempts) name(address string) string {
	if normal, err := a.normal(address); err == nil {
		return normal
	}
	return address
}

// Source is where an attempt comes from.
type Source struct {
	Network string // in one form
	Device  string // token that an earlier sign-in gave; may be anything
}

// attempt is one that was let through.
type attempt struct {
	from    *Attempts
	budgets []attemptBudget
	at      time.Time
}

// attemptBudget is one of those that an attempt is taken from.
type attemptBudget struct {
	key    []byte
	limits []messages.Limit
}

// begin counts an attempt on an account, which is named by its address in one form;
// user is empty where nobody has it, and must make no difference to who asks.
func (a *Attempts) begin(ctx context.Context, address, user string, from Source) (*attempt, error) {
	if nonce, good := a.device(user, from.Device); good {
		return a.take(ctx, a.budget(a.config.Device, "device", address, string(nonce)))
	}
	network := a.budget(a.config.Network, "network", from.Network)
	stranger, refused := a.take(ctx, a.budget(a.config.Account, "account", address), network)
	if !messages.HasCode(refused, messages.CodeTooManyAttempts) {
		return stranger, refused
	}
	if known, err := a.known(ctx, user, from.Network); err != nil || !known || user == "" {
		return nil, refused
	}
	return a.take(ctx, a.budget(a.config.Device, "neighbour", address, from.Network))
}

// budget is named by a hash: the names of accounts and networks are not kept.
func (a *Attempts) budget(limits []messages.Limit, names ...string) attemptBudget {
	return attemptBudget{key: a.mac(append([]string{"budget"}, names...)...)[:16], limits: limits}
}

func (a *Attempts) mac(parts ...string) []byte {
	mac := hmac.New(sha256.New, a.key)
	for _, part := range parts {
		mac.Write(binary.AppendUvarint(nil, uint64(len(part))))
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

// take counts an attempt in all budgets, or in none where one is used up.
func (a *Attempts) take(ctx context.Context, budgets ...attemptBudget) (*attempt, error) {
	at := a.now()
	var wait time.Duration
	err := a.update(ctx, budgets, at, func(logs [][]byte) [][]byte {
		wait = 0
		next := make([][]byte, len(logs))
		for i, log := range logs {
			times := within(log, at, budgets[i].limits)
			wait = max(wait, until(times, at, budgets[i].limits))
			next[i] = encodeTimes(append(times, at.UnixMilli()))
		}
		if wait > 0 {
			return nil
		}
		return next
	})
	if err != nil {
		return nil, err
	}
	if wait > 0 {
		refused := messages.Refuse(messages.CodeTooManyAttempts, "too many attempts have failed: wait before the next one")
		refused.RetryAfterMs = wait.Milliseconds()
		return nil, refused
	}
	return &attempt{from: a, budgets: budgets, at: at}, nil
}

// takeBack has the attempt not counted.
func (t *attempt) takeBack(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.from.update(ctx, t.budgets, t.at, func(logs [][]byte) [][]byte {
		for i := range logs {
			times := within(logs[i], t.at, t.budgets[i].limits)
			for j := len(times) - 1; j >= 0; j-- {
				if times[j] == t.at.UnixMilli() {
					times = append(times[:j], times[j+1:]...)
					break
				}
			}
			logs[i] = encodeTimes(times)
		}
		return logs
	})
}

func (a *Attempts) update(ctx context.Context, budgets []attemptBudget, at time.Time, change func(logs [][]byte) [][]byte) error {
	var keys [][]byte
	var longest time.Duration
	for _, b := range budgets {
		keys = append(keys, b.key)
		for _, l := range b.limits {
			longest = max(longest, l.Window)
		}
	}
	return a.store.UpdateAttempts(ctx, keys, at.Add(longest+time.Minute), change)
}

// within are the times of a log that a window still reaches, oldest first.
func within(log []byte, now time.Time, limits []messages.Limit) (times []int64) {
	for ; len(log) >= 8; log = log[8:] {
		t := int64(binary.BigEndian.Uint64(log))
		for _, l := range limits {
			if now.UnixMilli()-t <= l.Window.Milliseconds() {
				times = append(times, t)
				break
			}
		}
	}
	return times
}

// until is how long it takes until one more is allowed; 0: now.
func until(times []int64, now time.Time, limits []messages.Limit) (wait time.Duration) {
	for _, l := range limits {
		if len(times) < l.Most {
			continue
		}
		first := times[len(times)-l.Most] // that must leave the window
		if age := now.UnixMilli() - first; age <= l.Window.Milliseconds() {
			wait = max(wait, time.Duration(l.Window.Milliseconds()+1-age)*time.Millisecond)
		}
	}
	return wait
}

func encodeTimes(times []int64) (log []byte) {
	log = make([]byte, 0, 8*len(times))
	for _, t := range times {
		log = binary.BigEndian.AppendUint64(log, uint64(t))
	}
	return log
}

const (
	deviceNonce = 16
	deviceLife  = 365 * 24 * time.Hour
)

// newDevice is a token for a device that has signed in: it is good for that account
// alone, for a year, and for nothing but a budget of its own.
func (a *Attempts) newDevice(user string) string {
	if a == nil {
		return ""
	}
	body := make([]byte, deviceNonce, deviceNonce+8+sha256.Size)
	_, _ = rand.Read(body) // never fails
	body = binary.BigEndian.AppendUint64(body, uint64(a.now().Unix()))
	return base64.RawURLEncoding.EncodeToString(append(body, a.mac("device", user, string(body))...))
}

// device is the nonce of a token that was given to a device of the user's.
func (a *Attempts) device(user, token string) (nonce []byte, good bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != deviceNonce+8+sha256.Size || user == "" {
		return nil, false
	}
	body := raw[:deviceNonce+8]
	born := time.Unix(int64(binary.BigEndian.Uint64(body[deviceNonce:])), 0)
	if !hmac.Equal(raw[len(body):], a.mac("device", user, string(body))) || a.now().Sub(born) > deviceLife {
		return nil, false
	}
	return body[:deviceNonce], true
}
