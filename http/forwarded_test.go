package http

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

// claimed is what strangers say of whom they speak for, and of what they ask: to a
// server that is theirs alone, or behind another one.
var claimed = []string{
	"X-Forwarded-For", "192.0.2.7", "X-Forwarded-Host", "evil.example", "X-Forwarded-Server", "evil.example", "X-Forwarded-Proto", "https", "X-Forwarded-Scheme", "https",
	"X-Forwarded-Port", "444", "X-Forwarded-Prefix", "/evil.example", "X-Forwarded-Uri", "/api/v1/users", "X-Forwarded-Method", "DELETE",
	"Forwarded", "for=192.0.2.7;host=evil.example;proto=https", "X-Real-IP", "192.0.2.7", "True-Client-IP", "192.0.2.7", "X-Client-IP", "192.0.2.7", "X-Cluster-Client-IP", "192.0.2.7",
	"X-Host", "evil.example", "X-Original-Host", "evil.example", "X-Original-URL", "/api/v1/users", "X-Rewrite-URL", "/api/v1/users",
	"X-HTTP-Method-Override", "DELETE", "X-HTTP-Method", "DELETE", "X-Method-Override", "DELETE",
	"X-Forwarded-User", "root", "X-Remote-User", "root", "Remote-User", "root", "X-User-Id", someSession, "X-Roles", "admin", "X-Forwarded-Client-Cert", "Subject=root",
	"X-Forwarded-Access-Token", adminToken, "X-Forwarded-Authorization", "Bearer " + adminToken,
}

var dated = regexp.MustCompile("(?m)^Date: .*\r\n") // of when the reply is written down

// drawn is what is another one with each reply.
var drawn = regexp.MustCompile(`"ticket":"[^"]*","expires_at":"[^"]*"`)

// TestNothingClaimedIsBelieved: on every route, such headers change nothing of the
// reply, which has none of them in it; nor does the name under which the server was
// asked for.
func TestNothingClaimedIsBelieved(t *testing.T) {
	t.Parallel()
	s := fakeServer()
	told := func(r *fasthttp.Response) string {
		return drawn.ReplaceAllString(dated.ReplaceAllString(r.String(), ""), "")
	}
	compared := 0
	for _, op := range s.routes {
		for _, token := range []string{goodToken, adminToken, "none"} {
			own := []string{"X-Request-Id", "r", "Host", "atelier.test", "Authorization", "Bearer " + token}
			plain := s.from("203.0.113.9", op.Method, op.example(), own...)
			if plain.StatusCode() < 500 {
				compared++
			}
			want := told(plain)
			require.Equal(t, want, told(s.from("203.0.113.9", op.Method, op.example(), append(own, claimed...)...)), op.ID)
			other := told(s.from("203.0.113.9", op.Method, op.example(), "X-Request-Id", "r", "Host", "evil.example", "Authorization", "Bearer "+token))
			require.Equal(t, want, other, op.ID)
			require.NotContains(t, strings.ToLower(other), "evil.example", op.ID)
		}
	}
	require.Greater(t, compared, 100)
}
