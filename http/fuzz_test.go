package http

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// bodied are the operations that take a body.
var bodied = []struct{ method, path string }{
	{"POST", "/auth/register"}, {"POST", "/auth/login"}, {"POST", "/auth/refresh"}, {"PATCH", "/users/me"}, {"PATCH", "/users/me/preferences"},
	{"POST", "/users/me/password"}, {"POST", "/projects"}, {"PUT", "/projects/" + someProject}, {"PATCH", "/projects/" + someProject},
	{"POST", "/projects/" + someProject + "/collaborators"}, {"PATCH", "/projects/" + someProject + "/collaborators/" + someUser}, {"POST", "/auth/logout"},
}

// FuzzBodies sends bodies to all operations that take one: an answer as
// documented or a problem of the client's, and never a panic.
func FuzzBodies(f *testing.F) {
	for i, seed := range []string{
		`{"email":"a@example.com","name":"Ada","password":"a quiet harbour at dusk"}`, `{"email":"a@example.com","password":"x"}`, `{"refresh_token":"atl_rt_x"}`,
		`{"name":"Ada","profile":{"bio":null,"website":"https://example.com"}}`, `{"theme":{"dark":true},"n":1e5,"gone":null}`, `{"current_password":"a","new_password":"b"}`,
		`{"name":"Harbour","description":"x","settings":{"public":true,"max_collaborators":3}}`, `{"name":"x","settings":{}}`, `{"settings":{"max_collaborators":1e1}}`,
		`{"user_id":"` + strings.ToUpper(someUser) + `","role":"editor"}`, `{"role":"admin"}`, `{}`, `[]`, `{"name":null}`, `{"name":{"a":[1]}}`, "{\"\\u0000\":1}",
	} {
		f.Add(uint8(i%len(bodied)), []byte(seed))
	}
	s := fakeServer()
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		op := bodied[int(which)%len(bodied)]
		response := s.ask(op.method, base+op.path, string(body))
		status := response.StatusCode()
		require.Less(t, status, 500, "%s %q", op.path, body)
		if status < 400 {
			require.True(t, len(body) == 0 || json.Valid(body), "%q", body)
			return
		}
		var p problemBody
		require.NoError(t, json.Unmarshal(response.Body(), &p))
		require.Equal(t, status, s.problems[p.Code].Status)
	})
}

// FuzzCursor makes up cursors. None but those that were given out is taken.
func FuzzCursor(f *testing.F) {
	s := fakeServer()
	withRequest(s, base+"/projects?sort=name&limit=5", func(c *call) { f.Add(*s.next(c, &messages.PageKey{At: 1, Id: someProject})) })
	f.Add("")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("CAESAXgAAAAAAAAAAAAAAAAAAAAA=")
	f.Fuzz(func(t *testing.T, cursor string) {
		withRequest(s, base+"/projects?sort=name&limit=5", func(c *call) {
			key, err := s.after(c, &list{Cursor: cursor})
			if err != nil {
				require.True(t, messages.HasCode(err, messages.CodeInvalidCursor))
				return
			}
			if cursor == "" {
				require.Nil(t, key)
				return
			}
			require.Equal(t, cursor, *s.next(c, key), "a cursor that was not given out is taken")
		})
	})
}

// FuzzForwarded makes up what proxies pass on: from a peer that is none of ours nothing
// is believed.
func FuzzForwarded(f *testing.F) {
	proxies, err := ParseProxies("10.0.0.0/8, 2001:db8::1")
	require.NoError(f, err)
	for _, seed := range []string{"", "198.51.100.1", "10.0.0.2, 198.51.100.1", "[::1]:80", ",,", "10.0.0.1,10.0.0.2", "::ffff:10.0.0.1", "fe80::1%eth0", "1.2.3.4:99999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		stranger, ours := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("10.0.0.1")
		require.Equal(t, stranger, proxies.client(stranger, []string{header}))
		seen := proxies.client(ours, []string{header})
		require.True(t, seen.IsValid() && seen.Zone() == "" && !seen.Is4In6(), "%s", seen)
	})
}
