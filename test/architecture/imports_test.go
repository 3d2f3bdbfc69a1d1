// Package architecture holds the code against the table of who may import whom.
package architecture

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rule says what the packages below a path may import of ours and from outside.
// The first rule that fits a package counts. An entry ending in a slash stands
// for everything below it; "*" for anything.
type rule struct {
	path  string
	ours  []string
	outer []string // modules; the standard library is always allowed, but for banned
	ban   []string // of the standard library
}

var impure = []string{"context", "net/", "os", "os/", "log", "log/", "math/rand", "math/rand/", "crypto/rand", "database/", "sync", "sync/", "syscall"}

var rules = []rule{
	{path: "messages", outer: []string{"google.golang.org/protobuf/"}},
	{path: "actors/account", ours: []string{"messages"}, outer: []string{"google.golang.org/protobuf/", "golang.org/x/text/", "golang.org/x/net/idna"},
		ban: slices.DeleteFunc(slices.Clone(impure), func(s string) bool { return s == "net/" })},
	{path: "actors/session", ours: []string{"messages"}, outer: []string{"google.golang.org/protobuf/"}, ban: impure},
	{path: "actors/project", ours: []string{"messages"}, outer: []string{"google.golang.org/protobuf/"}, ban: impure},
	{path: "actors/room", ours: []string{"messages"}, ban: impure},
	{path: "actors/document/yupdate", ban: append([]string{"io", "time"}, impure...)},
	{path: "actors/document", ours: []string{"messages", "actors/document/yupdate"}, outer: []string{"google.golang.org/protobuf/"}, ban: impure},
	{path: "actors/store", ours: []string{"messages"}},
	{path: "actors/outbox/rabbitmq", ours: []string{"messages", "actors/outbox"}, outer: []string{"github.com/rabbitmq/amqp091-go"}, ban: []string{"database/", "net/http"}},
	{path: "actors/outbox/mail", ours: []string{"messages", "actors/store"}, outer: []string{"github.com/wneessen/go-mail", "google.golang.org/protobuf/"}, ban: []string{"database/", "net/http"}},
	{path: "actors/outbox", ours: []string{"messages"}, ban: []string{"database/", "net/http"}},
	{path: "actors", ours: []string{"messages", "actors/account", "actors/session", "actors/project", "actors/document", "actors/room", "actors/store"},
		outer: []string{"github.com/asynkron/protoactor-go/", "google.golang.org/protobuf/", "github.com/google/uuid"}, ban: []string{"database/", "net/http"}},
	{path: "identity/password", ours: []string{"messages"}, outer: []string{"golang.org/x/crypto/blake2b", "golang.org/x/text/"}, ban: []string{"database/", "net/http"}},
	{path: "identity/token", ours: []string{"messages"}, outer: []string{"github.com/golang-jwt/jwt/v5"}, ban: []string{"database/", "net/http"}},
	{path: "identity/audit", ours: []string{"messages"}, ban: []string{"database/", "net/http"}},
	{path: "identity/seal", ours: []string{"messages"}, ban: []string{"database/", "net/http"}},
	{path: "identity", ours: []string{"messages"}, outer: []string{"github.com/google/uuid"}, ban: []string{"database/", "net/http"}},
	{path: "http/limit", ours: []string{"messages"}, ban: []string{"net/http", "database/"}},
	{path: "http/ysync", ban: impure},
	{path: "http", ours: []string{"messages", "identity", "identity/", "http/ysync"}, outer: []string{"github.com/gofiber/fiber/v2", "github.com/valyala/fasthttp",
		"github.com/danielgtaylor/huma/v2", "github.com/google/uuid", "google.golang.org/protobuf/", "github.com/go-json-experiment/json"}, ban: []string{"net/http", "database/"}},
	{path: "persistence/postgres", ours: []string{"messages", "migrations", "actors/account", "actors/session", "actors/project", "actors/document", "actors/store", "actors/outbox"},
		outer: []string{"github.com/jackc/pgx/v5", "github.com/pressly/goose/v3", "google.golang.org/protobuf/"}},
	{path: "persistence/sqlite", ours: []string{"messages", "migrations", "actors/account", "actors/session", "actors/project", "actors/document", "actors/store", "actors/outbox"},
		outer: []string{"modernc.org/sqlite", "github.com/pressly/goose/v3", "google.golang.org/protobuf/"}},
	{path: "persistence/cache", ours: []string{"messages"}},
	{path: "persistence/redis", ours: []string{"messages"}, outer: []string{"github.com/redis/go-redis/v9"}},
	{path: "persistence/persistencetest", ours: []string{"*"}, outer: []string{"*"}},
	{path: "cluster", ours: []string{"messages"}, outer: []string{"github.com/asynkron/protoactor-go/", "github.com/hashicorp/memberlist", "google.golang.org/grpc", "google.golang.org/protobuf/"}},
	{path: "telemetry", ours: []string{"actors/store"}, outer: []string{"github.com/prometheus/client_golang/prometheus", "github.com/prometheus/common/expfmt", "go.opentelemetry.io/otel", "github.com/jackc/pgx/v5"}},
	{path: "migrations"},
	{path: "web"},
	{path: "cmd", ours: []string{"*"}, outer: []string{"*"}},
	{path: "deploy", ours: []string{"test/services"}},
	{path: "bench", ours: []string{"*"}, outer: []string{"*"}},
	{path: "test", ours: []string{"*"}, outer: []string{"*"}},
}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestImports(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "atelier/...")
	out, err := cmd.Output()
	require.NoError(t, err)
	seen := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := d.Decode(&p)
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		seen++
		path := strings.TrimPrefix(p.ImportPath, "atelier/")
		i := slices.IndexFunc(rules, func(r rule) bool { return path == r.path || strings.HasPrefix(path, r.path+"/") })
		if i < 0 {
			t.Errorf("%s: a folder that the table does not know", path)
			continue
		}
		for _, imported := range p.Imports {
			if !rules[i].allows(imported) {
				t.Errorf("%s must not import %s", path, imported)
			}
		}
	}
	require.Greater(t, seen, 15)
}

func (r rule) allows(imported string) bool {
	if ours, ok := strings.CutPrefix(imported, "atelier/"); ok {
		return covered(r.ours, ours)
	}
	if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
		return covered(r.outer, imported)
	}
	return !covered(r.ban, imported)
}

func covered(list []string, path string) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		return entry == "*" || path == entry || strings.HasPrefix(path, strings.TrimSuffix(entry, "/")+"/") && (strings.HasSuffix(entry, "/") || strings.Contains(entry, "."))
	})
}

func TestTheTableBites(t *testing.T) {
	t.Parallel()
	for path, imported := range map[string]string{
		"messages": "atelier/actors", "actors/project": "context", "actors": "atelier/persistence/postgres", "actors/outbox": "github.com/rabbitmq/amqp091-go", "actors/outbox/rabbitmq": "atelier/persistence/postgres", "http": "atelier/actors",
		"identity/password": "atelier/identity", "identity/token": "atelier/identity/seal", "identity/seal": "atelier/identity/token",
		"persistence/postgres": "atelier/actors", "cluster": "atelier/http", "identity": "atelier/actors/account", "actors/session": "github.com/google/uuid",
	} {
		i := slices.IndexFunc(rules, func(r rule) bool { return r.path == path })
		require.False(t, rules[i].allows(imported), "%s → %s", path, imported)
	}
}
