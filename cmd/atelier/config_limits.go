package main

import (
	"fmt"
	"time"

	httpd "atelier/http"
	"atelier/messages"
	"atelier/persistence/redis"
)

// limitSettings say how much callers may ask, and who they are.
type limitSettings struct {
	RateLimits          string `help:"on or off: whether callers are limited, in their requests and in their sockets." enum:"on,off" default:"on" env:"ATELIER_RATE_LIMITS" group:"Limits"`
	RateLimitMinute     int    `help:"Requests that each caller may make in any 60 seconds. A caller is a user, or where nobody is signed in an address of IPv4 or a /64 network of IPv6." default:"100" env:"ATELIER_RATE_LIMIT_MINUTE" group:"Limits"`
	RateLimitHour       int    `help:"Requests that each caller may make in any hour." default:"1000" env:"ATELIER_RATE_LIMIT_HOUR" group:"Limits"`
	RateLimitUserMinute int    `help:"The same for users who are signed in; 0: as for everybody." default:"0" env:"ATELIER_RATE_LIMIT_USER_MINUTE" group:"Limits"`
	RateLimitUserHour   int    `help:"The same for users who are signed in; 0: as for everybody." default:"0" env:"ATELIER_RATE_LIMIT_USER_HOUR" group:"Limits"`
	SocketLimitUser     int    `help:"Sockets, streams among them, that a user may have open on a node at one time; 0: any number." default:"200" env:"ATELIER_SOCKET_LIMIT_USER" group:"Limits"`
	SocketLimitAddress  int    `help:"The same for an address of IPv4 or a /64 network of IPv6, of those whose users are not known: handshakes, sockets that have not said who is on them, and readers of public projects." default:"200" env:"ATELIER_SOCKET_LIMIT_ADDRESS" group:"Limits"`
	RedisURL            string `name:"redis-url" help:"redis://user:password@host:6379 or redis-cluster://user:password@a:6379,b:6379,c:6379, where the nodes of a cluster count callers' requests together; without it each node lets its share of the limits through. With ?prefix=NAME keys begin with NAME instead of atelier:, with ?timeout=200ms one round trip may take so long instead of 50ms." placeholder:"URL" env:"ATELIER_REDIS_URL" group:"Limits"`
	TrustedProxies      string `help:"Addresses and networks of the proxies in front, comma-separated. They alone are believed whom they speak for (X-Forwarded-For)." placeholder:"NETWORKS" env:"ATELIER_TRUSTED_PROXIES" group:"Limits"`
	CORSOrigins         string `name:"cors-origins" help:"Origins such as https://app.example.com, comma-separated, whose pages may use the API; of others browsers keep the replies." placeholder:"ORIGINS" env:"ATELIER_CORS_ORIGINS" group:"Limits"`
}

// mostLimit bounds what is kept for a caller.
const mostLimit = 100_000

// limited reports whether callers are.
func (s *limitSettings) limited() bool { return s.RateLimits == "on" }

func (s *limitSettings) check() error {
	if _, err := s.proxies(); err != nil {
		return err
	}
	if _, err := s.origins(); err != nil {
		return err
	}
	if s.RedisURL != "" {
		c, err := redis.Open(s.RedisURL)
		if err != nil {
			return fmt.Errorf("ATELIER_REDIS_URL cannot be read: %w", err)
		}
		_ = c.Close()
	}
	if !s.limited() {
		return nil
	}
	for _, l := range []struct {
		name         string
		value, least int
	}{
		{"ATELIER_RATE_LIMIT_MINUTE", s.RateLimitMinute, 1}, {"ATELIER_RATE_LIMIT_HOUR", s.RateLimitHour, 1},
		{"ATELIER_RATE_LIMIT_USER_MINUTE", s.RateLimitUserMinute, 0}, {"ATELIER_RATE_LIMIT_USER_HOUR", s.RateLimitUserHour, 0},
		{"ATELIER_SOCKET_LIMIT_USER", s.SocketLimitUser, 0}, {"ATELIER_SOCKET_LIMIT_ADDRESS", s.SocketLimitAddress, 0},
	} {
		if l.value < l.least || l.value > mostLimit {
			return fmt.Errorf("%s must be %d to %d, and not %d; ATELIER_RATE_LIMITS=off does without limits", l.name, l.least, mostLimit, l.value)
		}
	}
	return nil
}

func (s *limitSettings) proxies() (httpd.Proxies, error) {
	all, err := httpd.ParseProxies(s.TrustedProxies)
	if err != nil {
		return nil, fmt.Errorf("ATELIER_TRUSTED_PROXIES must be addresses and networks such as 10.0.0.0/8, comma-separated: %w", err)
	}
	return all, nil
}

func (s *limitSettings) origins() (httpd.Origins, error) {
	all, err := httpd.ParseOrigins(s.CORSOrigins)
	if err != nil {
		return nil, fmt.Errorf("ATELIER_CORS_ORIGINS must be origins such as https://app.example.com, comma-separated, each written out: %w", err)
	}
	return all, nil
}

// sockets are how many each may have open; any number where callers are not limited.
func (s *limitSettings) sockets() httpd.SocketLimits {
	if !s.limited() {
		return httpd.SocketLimits{}
	}
	return httpd.SocketLimits{User: s.SocketLimitUser, Address: s.SocketLimitAddress}
}

// anybody and users are the limits of callers.
func (s *limitSettings) anybody() []messages.Limit {
	return limitsOf(s.RateLimitMinute, s.RateLimitHour)
}

func (s *limitSettings) users() []messages.Limit {
	minute, hour := s.RateLimitMinute, s.RateLimitHour
	if s.RateLimitUserMinute > 0 {
		minute = s.RateLimitUserMinute
	}
	if s.RateLimitUserHour > 0 {
		hour = s.RateLimitUserHour
	}
	return limitsOf(minute, hour)
}

func limitsOf(minute, hour int) []messages.Limit {
	return []messages.Limit{{Name: "minute", Most: minute, Window: time.Minute}, {Name: "hour", Most: hour, Window: time.Hour}}
}
