package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"atelier/messages"
)

// stranger connects to a node with no more than the library's protocol.
func stranger(t *testing.T, n *node) (remote.RemotingClient, remote.Remoting_ReceiveClient) {
	t.Helper()
	conn, err := grpc.NewClient(n.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	client := remote.NewRemotingClient(conn)
	stream, err := client.Receive(t.Context())
	require.NoError(t, err)
	return client, stream
}

// batch has one message to a process of the node.
func batch(n *node, process string, m proto.Message, change func(*remote.MessageBatch)) *remote.RemoteMessage {
	data, _ := proto.Marshal(m)
	b := &remote.MessageBatch{
		TypeNames: []string{string(proto.MessageName(m))},
		Targets:   []*actor.PID{{Address: n.Address, Id: process}},
		Senders:   []*actor.PID{{Address: "127.0.0.1:1", Id: answersName}},
		Envelopes: []*remote.MessageEnvelope{{MessageData: data, Sender: 1}},
	}
	if change != nil {
		change(b)
	}
	return &remote.RemoteMessage{MessageType: &remote.RemoteMessage_MessageBatch{MessageBatch: b}}
}

func TestWhatPeersSendDoesNoHarm(t *testing.T) {
	t.Parallel()
	a, b := begin(t, nodeConfig{Name: "a"}), begin(t, nodeConfig{Name: "b"})
	join(t, a, b)
	works := func() {
		t.Helper()
		require.Equal(t, map[string]int{"ok": 1}, a.do(t, order{Do: "call", ID: owned(b, a), Text: "x"}).Codes)
	}
	works()
	client, stream := stranger(t, b)
	good := batch(b, gateName, &messages.HandOver{Kind: "k", Id: "good"}, nil)
	handOver := &messages.HandOver{Kind: "k", Id: "bad"}
	for name, m := range map[string]*remote.RemoteMessage{
		"nothing":               {},
		"an empty connection":   {MessageType: &remote.RemoteMessage_ConnectRequest{ConnectRequest: &remote.ConnectRequest{}}},
		"a client":              {MessageType: &remote.RemoteMessage_ConnectRequest{ConnectRequest: &remote.ConnectRequest{ConnectionType: &remote.ConnectRequest_ClientConnection{}}}},
		"an unknown type":       batch(b, gateName, handOver, func(b *remote.MessageBatch) { b.TypeNames[0] = "atelier.messages.Tomorrow" }),
		"no type":               batch(b, gateName, handOver, func(b *remote.MessageBatch) { b.TypeNames = nil }),
		"no target":             batch(b, gateName, handOver, func(b *remote.MessageBatch) { b.Targets = nil }),
		"a negative target":     batch(b, gateName, handOver, func(b *remote.MessageBatch) { b.Envelopes[0].Target = -1 }),
		"no such sender":        batch(b, gateName, handOver, func(b *remote.MessageBatch) { b.Envelopes[0].Sender = 2 }),
		"a sender's path":       batch(b, gateName, handOver, func(b *remote.MessageBatch) { b.Senders[0].Address = "unix:///tmp/x" }),
		"another serializer":    batch(b, gateName, handOver, func(b *remote.MessageBatch) { b.Envelopes[0].SerializerId = 7 }),
		"garbage for a body":    batch(b, gateName, handOver, func(b *remote.MessageBatch) { b.Envelopes[0].MessageData = []byte{255} }),
		"another's process":     batch(b, gateName, handOver, func(b *remote.MessageBatch) { b.Targets[0].Address = a.Address }),
		"the library's":         batch(b, "activator", &remote.ActorPidRequest{Name: "x", Kind: "y"}, nil),
		"a stop":                batch(b, gateName, &actor.Stop{}, nil),
		"a poison pill":         batch(b, gateName, &actor.PoisonPill{}, nil),
		"a watch":               batch(b, gateName, &actor.Watch{Watcher: &actor.PID{Address: b.Address, Id: "x"}}, nil),
		"a stop to the events":  batch(b, "eventstream", &actor.Stop{}, nil),
		"a command":             batch(b, "$1", &messages.CreateProject{}, nil),
		"an answer":             batch(b, answersName, &messages.Answer{Call: 1}, func(b *remote.MessageBatch) { b.Senders[0].Id = gateName }),
		"a dead letter":         batch(b, answersName, &actor.DeadLetterResponse{}, func(b *remote.MessageBatch) { b.Envelopes[0].Sender = 0 }),
		"an unreadable ask":     batch(b, gateName, &messages.Ask{Kind: "project", Id: owned(b, a), Type: "atelier.messages.CreateProject", Command: []byte{255}}, nil),
		"an ask for no type":    batch(b, gateName, &messages.Ask{Kind: "project", Id: owned(b, a), Type: "atelier.messages.Tomorrow"}, nil),
		"an ask for no command": batch(b, gateName, &messages.Ask{Kind: "project", Id: owned(b, a), Type: "atelier.messages.Done"}, nil),
	} {
		require.NoError(t, stream.Send(m), name)
	}
	require.NoError(t, stream.Send(good))
	b.done(t, "hand over k good", 1) // over the same stream
	require.Equal(t, map[string]int{"hand over k good": 1, "x": 1}, b.do(t, order{Do: "done"}).Done)

	_, err := client.ListProcesses(t.Context(), &remote.ListProcessesRequest{})
	require.Equal(t, codes.Unimplemented, status.Code(err))
	_, err = client.GetProcessDiagnostics(t.Context(), &remote.GetProcessDiagnosticsRequest{})
	require.Equal(t, codes.Unimplemented, status.Code(err))

	raw, err := net.Dial("tcp", b.Address)
	require.NoError(t, err)
	_, err = raw.Write([]byte("GET / HTTP/1.1\r\n\r\n\x00\xff garbage"))
	require.NoError(t, err)
	require.NoError(t, raw.Close())
	require.NoError(t, stream.Send(batch(b, gateName, &messages.HandOver{Id: string(make([]byte, maxFrame+1))}, nil)))
	works()
}

// authority makes certificates.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{key: key, cert: cert, pem: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

// node is the configuration of one with a certificate for the address.
func (a *authority) node(t *testing.T, name, ip string) nodeConfig {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP(ip)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return nodeConfig{Name: name, CA: a.pem, Cert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		Key: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))}
}

func TestNodesKnowEachOtherByCertificate(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t), newAuthority(t)
	mixed := theirs.node(t, "a", "127.0.0.1") // would trust the node, which does not trust it
	mixed.CA = ours.pem
	for name, c := range map[string]struct {
		a, b nodeConfig
		code string
	}{
		"of one authority":           {ours.node(t, "a", "127.0.0.1"), ours.node(t, "b", "127.0.0.1"), "ok"},
		"a plaintext peer":           {nodeConfig{Name: "a"}, ours.node(t, "b", "127.0.0.1"), messages.CodeMoved},
		"a plaintext node":           {ours.node(t, "a", "127.0.0.1"), nodeConfig{Name: "b"}, messages.CodeMoved},
		"of another authority":       {theirs.node(t, "a", "127.0.0.1"), ours.node(t, "b", "127.0.0.1"), messages.CodeMoved},
		"a peer not to be trusted":   {mixed, ours.node(t, "b", "127.0.0.1"), messages.CodeMoved},
		"a name that is not its own": {ours.node(t, "a", "127.0.0.1"), ours.node(t, "b", "127.0.0.2"), messages.CodeMoved},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := begin(t, c.a), begin(t, c.b)
			join(t, a, b)
			told := a.do(t, order{Do: "call", ID: owned(b, a), Text: "x"})
			require.Equal(t, map[string]int{c.code: 1}, told.Codes)
			require.Equal(t, map[string]int{"ok": 1}[c.code], b.do(t, order{Do: "done"}).Done["x"])

			a, b = begin(t, c.a), begin(t, c.b)
			gossip(t, a, b)
			unmet := a.do(t, order{Do: "unmet"}).Text + b.do(t, order{Do: "unmet"}).Text
			require.Equal(t, map[bool]string{true: "", false: "ba"}[c.code == "ok"], unmet, "none of the two meets the other, or both do")
		})
	}
}

func TestTLSMustVerify(t *testing.T) {
	t.Parallel()
	for _, c := range []*tls.Config{
		{},
		{RootCAs: x509.NewCertPool(), InsecureSkipVerify: true},
	} {
		require.Error(t, NewTransport(TransportConfig{Bind: "127.0.0.1:0", TLS: c}, quietSystem(), silent()).Start())
	}
}

// TestARecoveredPanic reads a stream whose reader panics.
func TestARecoveredPanic(t *testing.T) {
	t.Parallel()
	var ended string
	g := newGuard(func() string { return "here" }, func(address string) { ended = address }, nil, silent())
	err := g.stream(nil, nil, nil, func(_ any, s grpc.ServerStream) error {
		s.(*guarded).peer = "there"
		panic("as asked")
	})
	require.Equal(t, codes.Internal, status.Code(err))
	require.Equal(t, "there", ended)
	_, err = g.unary(context.Background(), nil, nil, nil)
	require.Error(t, err)
}
