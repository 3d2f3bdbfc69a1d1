package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"

	"atelier/messages"
)

// Names of the two processes that peers may send to.
const (
	gateName    = "gate"
	answersName = "answers"
)

const (
	maxPart    = 1 << 20                // bytes of messages sent together
	maxFrame   = 2 * maxPart            // bytes received together, what goes with the messages included
	pingEvery  = 10 * time.Second       // over a silent connection; gRPC takes no less
	pongWithin = 3 * time.Second        // else the connection is given up, as when sent bytes are not acknowledged
	connecting = 2 * time.Second        // one attempt
	backOff    = 500 * time.Millisecond // at most, between attempts
	linger     = 100 * time.Millisecond // before closing: the library drops the answers that have not left
	sendQueue  = 1024                   // messages for one peer, to begin with: it grows
)

// TransportConfig says where a node talks to others.
type TransportConfig struct {
	Bind      string      // host:port to listen on
	Advertise string      // host:port where peers find it; empty: as bound
	TLS       *tls.Config // certificate and RootCAs, for both directions; nil: plaintext

	// Now is database time, which all nodes know the same; nil: the local clock.
	Now func() time.Time

	Meter Meter // nil: nobody counts
}

func (c TransportConfig) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// Transport is the node's end of the connections to its peers: protoactor's
// remote on the actor system that the entities live in.
type Transport struct {
	config TransportConfig
	system *actor.ActorSystem
	log    *slog.Logger
	calls  *calls
	remote *remote.Remote // set by Start
	quit   chan struct{}  // closed by Stop

	probing sync.WaitGroup // of silent peers

	mu      sync.RWMutex // held for reading while sending: the library must not be stopped meanwhile
	started bool
	stopped bool
}

// NewTransport makes a Transport that is not open yet.
func NewTransport(config TransportConfig, system *actor.ActorSystem, log *slog.Logger) *Transport {
	if config.Meter == nil {
		config.Meter = unmetered{}
	}
	return &Transport{config: config, system: system, log: log, calls: newCalls(config.Meter), quit: make(chan struct{})}
}

// Start listens and answers peers. It is to be called before an entity is asked
// for the first time, since it gives the actor system its address.
func (t *Transport) Start() error {
	host, port, err := t.bind()
	if err != nil {
		return err
	}
	server, client, err := t.credentials()
	if err != nil {
		return err
	}
	g := newGuard(t.Address, t.calls.fail, t.refuse, t.log)
	config := remote.Configure(host, port,
		remote.WithAdvertisedHost(t.config.Advertise),
		remote.WithEndpointWriterQueueSize(sendQueue),
		remote.WithServerOptions(serverOptions(g, server)...),
		remote.WithDialOptions(t.dialOptions(client)...))
	config.MaxRetryCount = 1 // the line tries again itself
	t.remote = remote.NewRemote(t.system, config)
	t.remote.Start()
	// After the library has subscribed: it drops the connection, then the calls
	// over it end, so that what is called afterwards uses a new one.
	t.system.EventStream.Subscribe(func(event any) {
		if e, ok := event.(*remote.EndpointTerminatedEvent); ok {
			t.calls.fail(e.Address)
		}
	})
	if _, ok := t.system.ProcessRegistry.Add(t.calls, answersName); !ok {
		return errors.New("the actor system has a process named " + answersName)
	}
	t.mu.Lock()
	t.started = true
	t.mu.Unlock()
	return nil
}

// Stop tells peers that the node goes, ends what was asked of them and closes
// the connections: by force when ctx ends.
func (t *Transport) Stop(ctx context.Context) error {
	t.mu.Lock()
	stopped := t.stopped || !t.started
	t.stopped = true
	t.mu.Unlock()
	if stopped {
		return nil
	}
	close(t.quit)
	t.calls.changed(View{})
	t.probing.Wait()
	down := make(chan struct{})
	go func() {
		defer close(down)
		select {
		case <-time.After(linger):
		case <-ctx.Done():
		}
		defer func() { // the library may close a channel twice when a peer goes at the same moment
			if p := recover(); p != nil {
				t.log.Warn("closing the connections to peers", "panic", p)
			}
		}()
		t.remote.Shutdown(true)
	}()
	select {
	case <-down:
		return nil
	case <-ctx.Done():
		t.remote.Shutdown(false)
		return ctx.Err()
	}
}

// Address is where peers find the node, once it has started.
func (t *Transport) Address() string { return t.system.Address() }

// send hands over a message for a peer's process. Not ok: it will not be sent.
func (t *Transport) send(to *actor.PID, m proto.Message, from *actor.PID) (ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if !t.started || t.stopped {
		return false
	}
	t.system.Root.RequestWithCustomSender(to, m, from)
	return true
}

// exchange sends a message to a node's gate and waits for the answer, the end of
// ctx or that of the connection.
func (t *Transport) exchange(ctx context.Context, to Node, message func(number uint64) proto.Message) (proto.Message, error) {
	calls := t.calls
	number, w, err := calls.begin(to)
	if err != nil {
		return nil, err
	}
	from := &actor.PID{Address: t.Address(), Id: answersName, RequestId: uint32(number)}
	if !t.send(w.peer.gate, message(number), from) && calls.take(number) != nil {
		return nil, errMoved
	}
	switch m := calls.wait(ctx, number, w).(type) {
	case *messages.Answer:
		return read(m.GetType(), m.GetAnswer())
	case *messages.Error:
		return nil, m
	default:
		return nil, errInternal
	}
}

// refuse answers a request that only a newer version knows.
func (t *Transport) refuse(asker *actor.PID, call uint64) {
	body, _ := proto.Marshal(errOlder)
	t.send(asker, &messages.Answer{Call: call, Type: string(proto.MessageName(errOlder)), Answer: body}, actor.NewPID(t.Address(), gateName))
}

// bind checks the configured addresses, and that the port is free: the library
// panics when it is not.
func (t *Transport) bind() (host string, port int, err error) {
	host, digits, err := net.SplitHostPort(t.config.Bind)
	if err != nil {
		return "", 0, fmt.Errorf("the address to listen on: %w", err)
	}
	if port, err = strconv.Atoi(digits); err != nil {
		return "", 0, fmt.Errorf("the port to listen on: %w", err)
	}
	switch ip := net.ParseIP(host); {
	case t.config.Advertise != "":
		if _, _, err := net.SplitHostPort(t.config.Advertise); err != nil {
			return "", 0, fmt.Errorf("the address that peers use: %w", err)
		}
	case host == "" || ip != nil && ip.IsUnspecified():
		return "", 0, errors.New("a node that listens on all addresses must advertise one")
	}
	listener, err := net.Listen("tcp", t.config.Bind)
	if err != nil {
		return "", 0, err
	}
	if net.ParseIP(host).To4() == nil && host != "" && net.ParseIP(host) != nil {
		host = "[" + host + "]" // the library joins the two with a colon
	}
	return host, port, listener.Close()
}

// credentials are those of the listening and of the connecting end.
func (t *Transport) credentials() (server, client credentials.TransportCredentials, err error) {
	c := t.config.TLS
	if c == nil {
		return insecure.NewCredentials(), insecure.NewCredentials(), nil
	}
	switch {
	case c.RootCAs == nil:
		return nil, nil, errors.New("TLS between nodes needs the certificate authority of the peers' certificates")
	case c.InsecureSkipVerify || c.VerifyConnection != nil:
		return nil, nil, errors.New("TLS between nodes must verify the peers' certificates")
	}
	listen, dial := c.Clone(), c.Clone()
	listen.ClientAuth, listen.ClientCAs = tls.RequireAndVerifyClientCert, c.RootCAs
	for _, c := range []*tls.Config{listen, dial} {
		c.MinVersion = tls.VersionTLS13
	}
	return credentials.NewTLS(listen), credentials.NewTLS(dial), nil
}

func serverOptions(g *guard, c credentials.TransportCredentials) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.Creds(c),
		grpc.StreamInterceptor(g.stream),
		grpc.UnaryInterceptor(g.unary),
		grpc.MaxRecvMsgSize(maxFrame),
		grpc.ConnectionTimeout(connecting),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingEvery, Timeout: pongWithin}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingEvery / 2, PermitWithoutStream: true}),
	}
}

func (t *Transport) dialOptions(c credentials.TransportCredentials) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithTransportCredentials(c),
		grpc.WithStreamInterceptor(t.open),
		grpc.WithNoProxy(),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingEvery, Timeout: pongWithin}),
		grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: connecting,
			Backoff: backoff.Config{BaseDelay: reconnectEvery, Multiplier: 1.6, Jitter: 0.2, MaxDelay: backOff}}),
	}
}
