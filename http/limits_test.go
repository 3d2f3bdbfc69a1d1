package http

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"atelier/http/limit"
	"atelier/messages"
)

// limitedServer lets three requests through in a minute, and users ten. The clock
// is the test's.
func limitedServer(proxies string) (s *Server, clock *atomic.Int64) {
	clock = &atomic.Int64{}
	now := func() time.Time { return time.UnixMilli(clock.Load()) }
	alone := func() int { return 1 }
	limits := func(minute, hour int) []messages.Limit {
		return []messages.Limit{{Name: "minute", Most: minute, Window: time.Minute}, {Name: "hour", Most: hour, Window: time.Hour}}
	}
	s = fakeServer()
	config, deps := s.config, s.deps
	config.Proxies, _ = ParseProxies(proxies)
	deps.Limits = &Limits{
		Addresses: limit.NewBudget("a", limits(3, 5), 1000, alone, now),
		Users:     limit.NewBudget("u", limits(10, 20), 1000, alone, now),
	}
	return New(config, deps), clock
}

const nobodys = "Basic x" // a header that is no good

func TestCallersAreLimited(t *testing.T) {
	t.Parallel()
	s, clock := limitedServer("")
	get := func(peer string) (status int, header func(string) string) {
		r := s.from(peer, "GET", "/problems")
		return r.StatusCode(), func(name string) string { return string(r.Header.Peek(name)) }
	}
	for i := range 3 {
		clock.Store(int64(i) * 1000)
		status, header := get("198.51.100.1")
		require.Equal(t, 200, status)
		require.Equal(t, `"minute";q=3;w=60, "hour";q=5;w=3600`, header("RateLimit-Policy"))
		require.Equal(t, fmt.Sprintf(`"minute";r=%d;t=%d, "hour";r=%d;t=%d`, 2-i, 61-i, 4-i, 3601-i), header("RateLimit"))
		require.Empty(t, header("Retry-After"))
	}
	r := s.from("198.51.100.1", "GET", "/problems")
	require.Equal(t, 429, r.StatusCode())
	require.Equal(t, "59", string(r.Header.Peek("Retry-After")))
	require.Equal(t, `"minute";r=0;t=59, "hour";r=2;t=3599`, string(r.Header.Peek("RateLimit")))
	var p problemBody
	require.NoError(t, json.Unmarshal(r.Body(), &p))
	require.Equal(t, "rate_limited", p.Code)
	require.Equal(t, "at most 3 requests in 60 s and 5 requests in 3600 s: come again in 59 s", p.Detail)

	status, _ := get("198.51.100.2")
	require.Equal(t, 200, status, "another caller")
	clock.Store(2000 + 59_000)
	status, _ = get("198.51.100.1")
	require.Equal(t, 200, status, "who waits as long as he is told gets through")
}

// TestEverythingCounts: whatever is asked, but what balancers and browsers ask.
func TestEverythingCounts(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]struct {
		method, path string
		headers      []string
		user, free   bool
	}{
		"a page":             {method: "GET", path: "/openapi.json"},
		"no route":           {method: "GET", path: "/nothing"},
		"no method":          {method: "DELETE", path: base + "/projects"},
		"an odd method":      {method: "TRACE", path: base + "/projects"},
		"a public operation": {method: "POST", path: base + "/auth/login"},
		"a bad token":        {method: "GET", path: base + "/users/me", headers: []string{"Authorization", nobodys}},
		"another bad token":  {method: "GET", path: base + "/users/me", headers: []string{"Authorization", "Bearer made-up"}},
		"a user":             {method: "GET", path: base + "/users/me", user: true},
		"a user's mistake":   {method: "POST", path: base + "/projects", user: true},
		"nothing acceptable": {method: "GET", path: base + "/users/me", headers: []string{"Accept", "text/html"}, user: true},
		"a bad time-out":     {method: "GET", path: base + "/users/me", headers: []string{"Atelier-Timeout", "x"}, user: true},
		"a forbidden page":   {method: "GET", path: base + "/cluster", user: true},
		"livez":              {method: "GET", path: "/livez", free: true},
		"readyz":             {method: "GET", path: "/readyz", free: true},
		"what may be asked":  {method: "OPTIONS", path: base + "/projects", free: true},
	} {
		s, _ := limitedServer("")
		statuses := map[bool]int{}
		for range 30 {
			r := s.from("198.51.100.1", ask.method, ask.path, ask.headers...)
			statuses[r.StatusCode() == 429]++
			require.Equal(t, !ask.free, len(r.Header.Peek("RateLimit")) > 0, name)
		}
		through := 3
		switch {
		case ask.user:
			through = 10
		case ask.free:
			through = 30
		}
		require.Equal(t, through, statuses[false], name)
	}
}

// TestUsersAndNetworksAreCountedApart: a user is the same from wherever, and is not
// held up by those who share the address.
func TestUsersAndNetworksAreCountedApart(t *testing.T) {
	t.Parallel()
	s, _ := limitedServer("10.0.0.0/8")
	for range 5 {
		s.from("198.51.100.1", "GET", base+"/users/me", "Authorization", nobodys)
	}
	require.Equal(t, 429, s.from("198.51.100.1", "GET", "/problems").StatusCode())
	for i := range 10 {
		require.Equal(t, 200, s.from("198.51.100."+strconv.Itoa(i), "GET", base+"/users/me").StatusCode())
	}
	require.Equal(t, 429, s.from("203.0.113.1", "GET", base+"/users/me").StatusCode())

	for i := range 3 {
		require.Equal(t, 200, s.from("10.0.0.1", "GET", "/problems", "X-Forwarded-For", fmt.Sprintf("2001:db8::%d, 10.0.0.2", i)).StatusCode())
	}
	require.Equal(t, 429, s.from("10.0.0.1", "GET", "/problems", "X-Forwarded-For", "2001:db8::77").StatusCode(), "one /64 is one caller")
	require.Equal(t, 200, s.from("10.0.0.1", "GET", "/problems", "X-Forwarded-For", "2001:db8:0:1::1").StatusCode())
}

// TestNobodyForgesAnAddress: whatever header he sends, a stranger stays who he is.
func TestNobodyForgesAnAddress(t *testing.T) {
	t.Parallel()
	s, _ := limitedServer("10.0.0.0/8")
	through := 0
	for i := range 20 {
		made := fmt.Sprintf("192.0.2.%d", i)
		r := s.from("203.0.113.9", "GET", "/problems", "X-Forwarded-For", made+", 10.0.0.1", "X-Real-IP", made, "Forwarded", "for="+made,
			"True-Client-IP", made, "CF-Connecting-IP", made, "X-Client-IP", made)
		if r.StatusCode() == 200 {
			through++
		}
	}
	require.Equal(t, 3, through)
}

// TestWithoutLimitsNothingIsSaid of them.
func TestWithoutLimitsNothingIsSaid(t *testing.T) {
	t.Parallel()
	s := fakeServer()
	for range 200 {
		r := s.from("198.51.100.1", "GET", "/problems")
		require.Equal(t, 200, r.StatusCode())
		require.False(t, strings.Contains(r.Header.String(), "Ratelimit") || strings.Contains(r.Header.String(), "RateLimit"))
	}
}

// BenchmarkLimitedRead is BenchmarkRead with limits.
func BenchmarkLimitedRead(b *testing.B) {
	s := fakeServer()
	deps := s.deps
	many := []messages.Limit{{Name: "minute", Most: 100_000, Window: time.Minute}, {Name: "hour", Most: 100_000, Window: time.Hour}}
	budget := limit.NewBudget("u", many, 1000, func() int { return 1 }, time.Now)
	deps.Limits = &Limits{Addresses: budget, Users: budget}
	request := newRequest("GET", base+"/projects/"+someProject, "")
	handler := New(s.config, deps).app.Handler()
	ctx := &fasthttp.RequestCtx{}
	ctx.Init(request, nil, nil)
	b.ReportAllocs()
	for b.Loop() {
		ctx.Response.Reset()
		handler(ctx)
	}
}
