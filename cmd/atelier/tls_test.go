package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// certified makes a certificate for this machine, and those who trust it.
func certified(t testing.TB, name string) (s tlsSettings, trust *tls.Config) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	require.NoError(t, (&certsCommand{Dir: dir, Nodes: []string{name}}).write(io.Discard))
	authority, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(authority))
	return tlsSettings{TLSCert: filepath.Join(dir, name+".pem"), TLSKey: filepath.Join(dir, name+"-key.pem")}, &tls.Config{RootCAs: pool}
}

// TestTheAPISpeaksTLS: requests and sockets, a new certificate while it runs, and who
// knocks in plaintext is told.
func TestTheAPISpeaksTLS(t *testing.T) {
	t.Parallel()
	files, trust := certified(t, "first")
	p := startWith(t, engines["embedded"](t), func(s *settings) { s.tlsSettings = files })
	address := p.api.Addr().String()
	p.url = "https://" + address
	c := p.client(t)
	transport := c.http.Transport.(*http.Transport)
	transport.TLSClientConfig = trust
	c.post("/auth/register", object{"email": "ada@example.com", "name": "Ada", "password": goodPassword}).created(t)
	ada := c.took(c.post("/auth/login", object{"email": "ada@example.com", "password": goodPassword}).want(t, 200))
	project := ada.post("/projects", object{"name": "Harbour"}).created(t).text("id")

	socket, _, err := websocket.Dial(t.Context(), "wss://"+address+api+"/realtime", &websocket.DialOptions{ //nolint:bodyclose // it has none: the connection is the socket
		HTTPClient: &http.Client{Transport: transport}, HTTPHeader: http.Header{"Authorization": {"Bearer " + ada.token}}, Subprotocols: []string{"atelier.v1+json"},
	})
	require.NoError(t, err)
	defer func() { _ = socket.CloseNow() }()
	require.NoError(t, socket.Write(t.Context(), websocket.MessageText, []byte(`[{"id":1,"op":"hello"},{"id":2,"op":"sub","project":"`+project+`"}]`)))
	for _, expected := range []string{`"hello"`, `"sub"`} {
		_, text, err := socket.Read(t.Context())
		require.NoError(t, err)
		require.Contains(t, string(text), expected)
	}
	ada.patch("/projects/"+project, object{"name": "Quay"}).want(t, 200)
	require.Eventually(t, func() bool {
		_, text, err := socket.Read(t.Context())
		require.NoError(t, err)
		return strings.Contains(string(text), "project.updated")
	}, patience, time.Millisecond)

	plain, err := http.Get("http://" + address + "/livez") //nolint:noctx // it ends with the test
	require.NoError(t, err)
	defer plain.Body.Close()
	told, err := io.ReadAll(plain.Body)
	require.NoError(t, err)
	require.Equal(t, 400, plain.StatusCode)
	require.Contains(t, string(told), "https://")
	_, err = tls.Dial("tcp", address, &tls.Config{RootCAs: trust.RootCAs, MaxVersion: tls.VersionTLS11}) //nolint:gosec // an old one is refused
	require.Error(t, err)
	silent, err := net.Dial("tcp", address) // who never shakes hands keeps nobody from stopping
	require.NoError(t, err)
	defer silent.Close()

	next, trust := certified(t, "second")
	for from, to := range map[string]string{next.TLSCert: files.TLSCert, next.TLSKey: files.TLSKey} {
		require.NoError(t, os.Rename(from, to))
	}
	require.Eventually(t, func() bool {
		conn, err := tls.Dial("tcp", address, trust)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, 30*time.Second, 50*time.Millisecond)
	ada.get("/users/me").want(t, 200)
}

func TestTLSSettingsAreChecked(t *testing.T) {
	t.Parallel()
	files, _ := certified(t, "a")
	other, _ := certified(t, "b")
	require.NoError(t, files.check())
	require.NoError(t, (&tlsSettings{}).check())
	require.ErrorContains(t, (&tlsSettings{TLSCert: files.TLSCert}).check(), "TLS needs both")
	require.ErrorContains(t, (&tlsSettings{TLSKey: files.TLSKey}).check(), "TLS needs both")
	require.ErrorContains(t, (&tlsSettings{TLSCert: files.TLSCert, TLSKey: other.TLSKey}).check(), "ATELIER_TLS_CERT and ATELIER_TLS_KEY")
	require.ErrorContains(t, (&tlsSettings{TLSCert: "none", TLSKey: "none"}).check(), "no such file")
}
