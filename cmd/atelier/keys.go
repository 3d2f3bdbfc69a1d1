package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"atelier/identity/seal"
	"atelier/identity/token"
	"atelier/messages"
)

type keysCommand struct {
	List   keysListCommand   `cmd:"" help:"List the keys that sign tokens, and the master keys that seal them."`
	Rotate keysRotateCommand `cmd:"" help:"Replace the keys that sign before their 30 days are over. What they have signed stays good."`
	Retire keysRetireCommand `cmd:"" help:"Remove a key before its time, for instance since somebody may have seen it: what it signed is refused."`
}

type keysListCommand struct {
	storeSettings
	JSON bool `help:"Print JSON."`
}

// Run prints the keys.
func (c *keysListCommand) Run(ctx context.Context) error { return c.print(ctx, os.Stdout) }

func (c *keysListCommand) print(ctx context.Context, w io.Writer) error {
	report, err := c.order(ctx, keyOrder{Do: "list"})
	if err != nil {
		return err
	}
	if !c.JSON {
		return report.table(w)
	}
	text, err := json.Marshal(report)
	if err != nil {
		return err
	}
	return indented(w, text)
}

type keysRotateCommand struct {
	storeSettings
	Overlap time.Duration `help:"How long the new keys are published before they sign. Others who verify tokens keep the key set for up to 5 minutes." default:"10m" placeholder:"10m"`
}

// Run makes new keys.
func (c *keysRotateCommand) Run(ctx context.Context) error { return c.print(ctx, os.Stdout) }

func (c *keysRotateCommand) print(ctx context.Context, w io.Writer) error {
	report, err := c.order(ctx, keyOrder{Do: "rotate", Overlap: c.Overlap})
	if err != nil {
		return err
	}
	return report.table(w)
}

type keysRetireCommand struct {
	storeSettings
	Kid string `arg:"" name:"key" help:"Name of the key, as keys list shows it. A successor must sign already."`
}

// Run removes the key.
func (c *keysRetireCommand) Run(ctx context.Context) error { return c.print(ctx, os.Stdout) }

func (c *keysRetireCommand) print(ctx context.Context, w io.Writer) error {
	if _, err := c.order(ctx, keyOrder{Do: "retire", Kid: c.Kid}); err != nil {
		return err
	}
	whom := "the holders of its access tokens refresh them"
	if strings.HasPrefix(c.Kid, token.UseRefresh) {
		whom = "the sessions that began under it end when their access tokens do, and links that were mailed under it are void"
	}
	_, err := fmt.Fprintf(w, "%s is retired; nodes notice within %s, and %s\n", c.Kid, token.DefaultRingConfig(sessionLifetime).Every, whom)
	return err
}

// keyOrder is what an operator wants of the keys.
type keyOrder struct {
	Do      string        `json:"do"` // list, rotate or retire
	Overlap time.Duration `json:"overlap,omitempty"`
	Kid     string        `json:"kid,omitempty"`
}

// order has it carried out: by the running server where the database is embedded
// and in use, else on the database itself, whose nodes look at it all the time.
func (c *storeSettings) order(ctx context.Context, o keyOrder) (*keyReport, error) {
	report, err := c.ordered(ctx, o)
	var refused *messages.Error
	if errors.As(err, &refused) {
		return nil, errors.New(refused.GetMessage())
	}
	return report, err
}

func (c *storeSettings) ordered(ctx context.Context, o keyOrder) (*keyReport, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := c.found(); err != nil {
		return nil, err
	}
	s := &server{log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	defer func() { _ = s.stop() }()
	if c.embedded() {
		held, err := holdDirectory(c.DataDir)
		if errors.Is(err, errInUse) {
			answer, err := askAdmin(ctx, c.DataDir, adminOrder{Keys: &o})
			if err != nil {
				return nil, err
			}
			return answer.Keys, nil
		}
		if err != nil {
			return nil, err
		}
		s.onStop(func(context.Context) error { held.release(); return nil })
	}
	sealer, err := c.masterKey()
	if err != nil {
		return nil, err
	}
	db, err := c.openKept(ctx, s)
	if err != nil {
		return nil, err
	}
	s.onStop(func(context.Context) error { db.close(); return nil })
	there, err := db.Now(ctx)
	if err != nil {
		return nil, err
	}
	ahead := time.Until(there) // its clock decides when keys sign
	now := func() time.Time { return time.Now().Add(ahead).Truncate(time.Microsecond) }
	return o.carryOut(ctx, token.NewRing(token.DefaultRingConfig(sessionLifetime), db.keys.as(byOperator), sealer, now, s.log), sealer)
}

// carryOut does it, and reports how the keys are then. What the ring refuses is a
// refusal, with a sentence for the operator.
func (o *keyOrder) carryOut(ctx context.Context, ring *token.Ring, sealer *seal.Ring) (*keyReport, error) {
	var err error
	switch o.Do {
	case "list":
	case "rotate":
		err = ring.Rotate(ctx, o.Overlap)
	case "retire":
		err = ring.Retire(ctx, o.Kid)
	default:
		err = messages.Refuse(messages.CodeValidationFailed, "nothing is known of %q for keys", o.Do)
	}
	if err != nil {
		return nil, err
	}
	keys, err := ring.List(ctx)
	if err != nil {
		return nil, err
	}
	return reportKeys(keys, sealer), nil
}

// keyReport is how the keys are. There is nothing secret in it.
type keyReport struct {
	Keys       []reportedKey       `json:"keys"`
	MasterKeys []reportedMasterKey `json:"master_keys"`
}

type reportedKey struct {
	token.Standing
	MasterKey string `json:"master_key"` // that sealed it
}

// reportedMasterKey is named by the beginning of its SHA-256.
type reportedMasterKey struct {
	ID    string `json:"id"`
	Seals bool   `json:"seals"` // what is sealed from now on
	Keys  int    `json:"keys"`  // that it has sealed
}

func reportKeys(keys []token.Standing, sealer *seal.Ring) *keyReport {
	r := &keyReport{Keys: []reportedKey{}}
	sealed := map[string]int{}
	for _, k := range keys {
		by := seal.SealedBy(k.Sealed)
		sealed[by]++
		r.Keys = append(r.Keys, reportedKey{k, by})
	}
	for i, id := range sealer.IDs() {
		r.MasterKeys = append(r.MasterKeys, reportedMasterKey{ID: id, Seals: i == 0, Keys: sealed[id]})
	}
	return r
}

func (r *keyReport) table(w io.Writer) error {
	day := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.UTC().Format(time.DateTime)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KEY\tSTATE\tSIGNS FROM\tVERIFIES UNTIL\tMASTER KEY")
	for _, k := range r.Keys {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", k.Kid, k.State, day(k.Signs), day(k.Until), k.MasterKey)
	}
	fmt.Fprintln(t, "\nMASTER KEY\tSEALS\tHAS SEALED")
	for _, m := range r.MasterKeys {
		fmt.Fprintf(t, "%s\t%s\t%s\n", m.ID, map[bool]string{true: "yes", false: "no"}[m.Seals], keysOf(m.Keys))
	}
	return t.Flush()
}

func keysOf(n int) string {
	switch n {
	case 0:
		return "no key"
	case 1:
		return "1 key"
	default:
		return fmt.Sprintf("%d keys", n)
	}
}
