package http

import (
	"context"
	"crypto/tls"
	"io/fs"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"atelier/messages"
)

// Config bounds the edge.
type Config struct {
	PublicURL   string
	CursorKey   []byte // 32 bytes, the same on all nodes
	LogID       string // identity of the event log
	MaxInFlight int    // requests at one time; more are refused as overloaded
	Proxies     Proxies
	Origins     Origins // whose pages may read replies
	Sockets     SocketLimits
	TLS         *tls.Config // nil: plaintext

	TicketKey       []byte        // 32 bytes, the same on all nodes
	CSRFKey         []byte        // 32 bytes, the same on all nodes
	SessionLifetime time.Duration // of cookies with refresh tokens

	Verification bool // addresses are proved before their users can sign in
}

// Deps is what the edge stands on.
type Deps struct {
	Flows     flows
	Accounts  accounts
	Sessions  sessions
	Projects  projects
	Documents documents
	Live      liveHub
	Queries   queries
	Members   members
	JWKS      func() []byte
	Web       fs.FS // the client for browsers, as it was built; nil: there is none
	Judge     func(password string) (score int, breached bool, suggestions []string)
	Ready     func(context.Context) []string // reasons for not being ready
	Now       func() time.Time
	Position  func(context.Context) (messages.Position, error) // of the database; nil: there are no replicas
	Audit     auditor                                          // nil: nobody keeps one
	Limits    *Limits                                          // nil: callers are not limited
	Meter     Meter                                            // nil: nobody counts
	Tracer    Tracer                                           // nil: nobody samples
	Holdings  *Holdings                                        // rights of open sockets; nil: nobody revokes
	Tickets   tickets
	Log       *slog.Logger
}

// Time-outs of a connection, and the largest request.
const (
	readTimeout  = 30 * time.Second
	writeTimeout = 30 * time.Second
	idleTimeout  = 2 * time.Minute
	maxBody      = 1 << 20
	maxHeader    = 16 << 10

	maxConnections = 50_000 // each has a buffer for headers while it is read
)

// Server is the API listener.
type Server struct {
	config     Config
	deps       Deps
	app        *fiber.App
	document   *huma.OpenAPI
	everyReply map[string]*huma.Param // what the document says of the headers of every reply
	routes     []operation
	methods    map[string][]string // that a path takes
	patterns   map[string]string   // of the document, by those of the router
	problems   map[string]problem
	told       map[endpoint]func(status int, took time.Duration)
	inFlight   atomic.Int64

	holdings             *Holdings
	sockets              *sockets
	replays              chan struct{} // a place is taken by each chunk of the log that is being read
	yjs                  *yjsRooms
	ofAddresses, ofUsers limited // budgets of callers, where they are limited
	draining             atomic.Bool
	listener             atomic.Pointer[listener] // set by Serve, drained by Shutdown
	arriving             capacity                 // of requests that have not come to their end
	rendered             func() []byte            // the OpenAPI document; to make it takes longer than all else of a start
	common               *fasthttp.ResponseHeader // of every reply
	web                  *webClient               // nil: there is none
}

// New builds the edge. It panics on an operation that declares no permission:
// a route that someone forgot must not go out.
func New(config Config, deps Deps) *Server {
	s := &Server{config: config, deps: deps, problems: problems(), document: newDocument(config), everyReply: headersOfReplies(), methods: map[string][]string{}, patterns: map[string]string{},
		told: map[endpoint]func(int, time.Duration){}, arriving: capacity{most: arrivingMost}, common: commonHeaders(config.PublicURL), web: newWebClient(deps.Web)}
	if l := deps.Limits; l != nil {
		s.ofAddresses, s.ofUsers = newLimited(BudgetAddress, l.Addresses), newLimited(BudgetUser, l.Users)
	}
	if s.holdings = deps.Holdings; s.holdings == nil {
		s.holdings = NewHoldings(nil)
	}
	s.sockets, s.replays = newSockets(s.holdings, config.Sockets, deps.Log), make(chan struct{}, replaysRead)
	s.yjs = newYjsRooms(deps.Live, deps.Documents)
	s.app = fiber.New(fiber.Config{
		Immutable: true, CaseSensitive: true, StrictRouting: true, DisableStartupMessage: true, ErrorHandler: s.fail,
		ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, BodyLimit: maxBody, ReadBufferSize: maxHeader,
		Concurrency: maxConnections, DisableDefaultContentType: true, DisablePreParseMultipartForm: true,
	})
	server := s.app.Server()
	server.Handler = uncount(knownMethods(server.Handler))
	server.KeepHijackedConns = true // sockets close their connections themselves, and keep nothing of the request
	s.app.Use(s.envelope)
	s.unrouted()
	s.table()
	s.options()
	s.rendered = sync.OnceValue(s.render)
	return s
}

// Document is the OpenAPI document, JSON.
func (s *Server) Document() []byte { return s.rendered() }

// Serve answers requests from the listener until Shutdown.
func (s *Server) Serve(l net.Listener) error {
	if tcp, is := l.(*net.TCPListener); is {
		own := newListener(tcp, s.config.TLS, &s.arriving)
		s.listener.Store(own)
		l = own
	}
	if s.draining.Load() {
		return l.Close()
	}
	return s.app.Listener(Patient(l, s.deps.Log))
}

// Retire says not ready and still takes requests, so that a balancer notices
// before connections are refused. They end with their next reply, and sockets are sent
// to other nodes.
func (s *Server) Retire() {
	s.draining.Store(true)
	s.sockets.leave()
}

// Shutdown says not ready, answers what was accepted and closes the connections.
// It waits for that until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Retire()
	s.sockets.stop(ctx)
	if l := s.listener.Load(); l != nil {
		l.drain(ctx)
	}
	return s.app.ShutdownWithContext(ctx)
}
