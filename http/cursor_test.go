package http

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"atelier/identity"
	"atelier/messages"
)

// withRequest runs f with a call to listProjects in the name of a user.
func withRequest(s *Server, uri string, f func(*call), user ...string) {
	request := &fasthttp.Request{}
	request.SetRequestURI(uri)
	ctx := &fasthttp.RequestCtx{}
	ctx.Init(request, nil, nil)
	fiber := s.app.AcquireCtx(ctx)
	defer s.app.ReleaseCtx(fiber)
	c := &call{fiber: fiber, op: &operation{ID: "listProjects"}}
	for _, u := range user {
		c.principal = &identity.Principal{UserID: u}
	}
	f(c)
}

// TestCursorsAreBound: a cursor is good for its list, its query and its caller,
// whatever the size of the pages and the order of the parameters.
func TestCursorsAreBound(t *testing.T) {
	t.Parallel()
	s := fakeServer()
	key := &messages.PageKey{At: 5, Id: someProject}
	var cursor string
	withRequest(s, "/api/v1/projects?sort=name&status=draft", func(c *call) { cursor = *s.next(c, key) }, someUser)
	for uri, good := range map[string]bool{
		"/api/v1/projects?sort=name&status=draft":                          true,
		"/api/v1/projects?status=draft&limit=7&sort=name&cursor=" + cursor: true,
		"/api/v1/projects?sort=name&status=draft&q=":                       true,
		"/api/v1/projects?sort=name":                                       false,
		"/api/v1/projects?sort=-created_at&status=draft":                   false,
		"/api/v1/projects?sort=name&status=draft&public=true":              false,
		"/api/v1/projects/x?sort=name&status=draft":                        false,
	} {
		withRequest(s, uri, func(c *call) {
			got, err := s.after(c, &list{Cursor: cursor})
			require.Equal(t, good, err == nil, uri)
			if good {
				require.Equal(t, key.GetAt(), got.GetAt())
			}
		}, someUser)
	}
	same := "/api/v1/projects?sort=name&status=draft"
	for _, caller := range [][]string{{someSession}, {}} {
		withRequest(s, same, func(c *call) {
			_, err := s.after(c, &list{Cursor: cursor})
			require.True(t, messages.HasCode(err, messages.CodeInvalidCursor), "another caller's")
		}, caller...)
	}
	withRequest(s, same, func(c *call) {
		c.op = &operation{ID: "listEvents"}
		_, err := s.after(c, &list{Cursor: cursor})
		require.Error(t, err, "another list's")
	}, someUser)
	for i := range cursor {
		changed := []byte(cursor)
		changed[i] ^= 1
		withRequest(s, same, func(c *call) {
			_, err := s.after(c, &list{Cursor: string(changed)})
			require.Error(t, err, "byte %d", i)
		}, someUser)
	}
}
