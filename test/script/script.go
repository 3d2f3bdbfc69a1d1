// Package script runs golden scripts against pure rules: commands in, events or
// a refusal out. A script is a text file of steps, each a line with a command
// and below it what it decided:
//
//	as ann at 12:00:00
//	AddCollaborator {"user_id":"bob"}
//	  project.collaborator_added {"user_id":"bob","role":"collaborator","added_by":"ann"}
//	  = version 2, seq 2
//
// Lines that begin with "as" or "at" set caller and time of the steps below;
// "roles" sets the caller's roles, "if-match" the expected version of the next
// step. Run with -update to rewrite the scripts' answers.
package script

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"atelier/messages"
)

var update = flag.Bool("update", false, "rewrite the golden scripts")

// Machine is an aggregate under test.
type Machine interface {
	Decide(c messages.Command, now time.Time) ([]messages.Event, error)
	Apply(e messages.Event, at messages.Stamp)
	Head() (version, seq int64)
}

// Run runs every script of a folder, each on a fresh machine.
func Run(t *testing.T, folder string, fresh func() Machine) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "no scripts in %s", folder)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			before, err := os.ReadFile(file)
			require.NoError(t, err)
			after := play(t, string(before), fresh())
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(after), 0o644))
				return
			}
			require.Equal(t, string(before), after)
		})
	}
}

type player struct {
	t       *testing.T
	machine Machine
	caller  string
	roles   []string
	match   *int64
	now     time.Time
	out     strings.Builder
}

func play(t *testing.T, text string, m Machine) string {
	p := &player{t: t, machine: m, now: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "  ") {
			continue // an answer, made anew
		}
		fmt.Fprintln(&p.out, line)
		p.line(line)
	}
	return p.out.String()
}

func (p *player) line(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "", "#":
	case "as":
		p.caller, p.roles = rest, nil
	case "roles":
		p.roles = strings.Fields(rest)
	case "at":
		at, err := time.Parse("15:04:05.999999", rest)
		require.NoError(p.t, err, line)
		p.now = time.Date(2026, 1, 2, at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC)
	case "if-match":
		v, err := strconv.ParseInt(rest, 10, 64)
		require.NoError(p.t, err, line)
		p.match = &v
	default:
		p.step(word, rest)
	}
}

func (p *player) step(name, body string) {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName("atelier.messages." + name))
	require.NoError(p.t, err, name)
	c, ok := kind.New().Interface().(messages.Command)
	require.True(p.t, ok, "%s is no command", name)
	if body != "" {
		require.NoError(p.t, protojson.Unmarshal([]byte(body), c), body)
	}
	m := &messages.Meta{Principal: p.caller, Roles: p.roles, ExpectedVersion: p.match}
	p.match = nil
	c.ProtoReflect().Set(c.ProtoReflect().Descriptor().Fields().ByName("meta"), protoreflect.ValueOfMessage(m.ProtoReflect()))
	before := proto.CloneOf(c)
	events, err := p.machine.Decide(c, p.now)
	require.True(p.t, proto.Equal(before, c), "%s: the rule changed its command", name)
	if err != nil {
		fmt.Fprintf(&p.out, "  ! %v\n", err)
		return
	}
	p.apply(events)
}

func (p *player) apply(events []messages.Event) {
	version, seq := p.machine.Head()
	for _, e := range events {
		if messages.RaisesVersion(e) {
			version++
			break
		}
	}
	for _, e := range events {
		if messages.Logged(e) {
			seq++
		}
		p.machine.Apply(e, messages.Stamp{At: p.now, Version: version, Seq: seq})
		data, err := messages.EventData(e)
		require.NoError(p.t, err)
		fmt.Fprintf(&p.out, "  %s %s\n", e.EventType(), data)
	}
	fmt.Fprintf(&p.out, "  = version %d, seq %d\n", version, seq)
}
