package main

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"atelier/test/services"
)

// TestMain finds goroutines that outlive the servers of the tests. Those of
// Postgres, where the test binary started it, live as long as it does.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),                        // one for the date of all servers in a process
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),                     // tidies workers: sleeps on for up to 10 s
		goleak.IgnoreAnyFunction("github.com/asynkron/protoactor-go/actor.NewDeadLetter.NewThrottle.func4.1"), // ends a second after the last dead letter
		goleak.IgnoreAnyFunction("atelier/test/services.start"), goleak.IgnoreAnyFunction("atelier/test/services.(*process).wait"),
		goleak.IgnoreAnyFunction("os/exec.(*Cmd).Start.func2"))
}

// engines are the databases that the program is tested on: settings that name a
// fresh one each.
var engines = map[string]func(t testing.TB) storeSettings{
	"postgres": func(t testing.TB) storeSettings {
		return storeSettings{DataDir: t.TempDir(), DatabaseURL: services.Postgres(t).URL()}
	},
	"embedded": func(t testing.TB) storeSettings { return storeSettings{DataDir: t.TempDir()} },
}

// onEngines runs a test on each database.
func onEngines(t *testing.T, test func(t *testing.T, store storeSettings)) {
	for name, fresh := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, fresh(t))
		})
	}
}

// program is a server of a test.
type program struct {
	*server
	url  string
	ops  string
	mail string // directory of mails
}

// startProgram starts a server on ports of its own. It is stopped with the test.
func startProgram(t testing.TB, store storeSettings, logs ...io.Writer) *program {
	t.Helper()
	return startWith(t, store, func(*settings) {}, logs...)
}

// startWith is startProgram with other settings.
func startWith(t testing.TB, store storeSettings, change func(*settings), logs ...io.Writer) *program {
	t.Helper()
	options := &slog.HandlerOptions{Level: slog.LevelDebug}
	return startLogged(t, store, change, slog.New(slog.NewTextHandler(io.MultiWriter(append(logs, testLog{t})...), options)))
}

// startLogged is startWith with a log of one's own.
func startLogged(t testing.TB, store storeSettings, change func(*settings), log *slog.Logger) *program {
	t.Helper()
	c := settings{
		Env: "development", HTTPAddr: "127.0.0.1:0", OpsAddr: "127.0.0.1:0", PublicURL: "http://atelier.test", Verification: "off", storeSettings: store,
	}
	change(&c)
	s, err := start(t.Context(), c, log)
	require.NoError(t, err)
	p := &program{server: s, mail: filepath.Join(store.DataDir, "mail"), url: "http://" + s.api.Addr().String(), ops: "http://" + s.ops.Addr().String()}
	t.Cleanup(func() {
		require.NoError(t, p.stop())
		p.server = nil // what a test has had at its end is kept until all of them have ended
	})
	return p
}

// testLog shows what a failed test's server had to say, requests left out. The
// server is stopped before the test has ended.
type testLog struct{ t testing.TB }

func (l testLog) Write(line []byte) (int, error) {
	if !bytes.Contains(line, []byte("level=DEBUG msg=request ")) {
		l.t.Logf("%s", bytes.TrimSuffix(line, []byte("\n")))
	}
	return len(line), nil
}

func TestTwoServersInOneProcess(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		one := startProgram(t, store)
		other := startProgram(t, storeSettings{DataDir: t.TempDir(), DatabaseURL: engines["postgres"](t).DatabaseURL})
		ada := signUp(t, one, "ada")
		project := ada.post("/projects", object{"name": "Harbour"}).created(t)
		require.Equal(t, 401, other.client(t).as(ada).get("/projects/"+project.text("id")).status, "the other installation has other keys")

		require.NoError(t, one.stop())
		again := startProgram(t, store)
		require.Equal(t, 200, again.client(t).as(ada).get("/projects/"+project.text("id")).status, "tokens and data survive a restart")
	})
}

func TestHealth(t *testing.T) {
	t.Parallel()
	pg := services.OwnPostgres(t)
	p := startProgram(t, storeSettings{DataDir: t.TempDir(), DatabaseURL: pg.URL("test")})
	for _, base := range []string{p.url, p.ops} {
		c := &client{t: t, base: base}
		require.Equal(t, "alive", c.do("GET", "/livez", nil).want(t, 200).text("status"))
		require.Equal(t, "ready", c.do("GET", "/readyz", nil).want(t, 200).text("status"))
	}
	pg.Crash()
	c := &client{t: t, base: p.url}
	require.Equal(t, 200, c.do("GET", "/livez", nil).status, "livez asks nobody")
	require.Eventually(t, func() bool { return c.do("GET", "/readyz", nil).status == 503 }, time.Minute, 50*time.Millisecond)
	require.NotEmpty(t, c.do("GET", "/readyz", nil).list("reasons"))
	pg.Restart(t)
	require.Eventually(t, func() bool { return c.do("GET", "/readyz", nil).status == 200 }, time.Minute, 50*time.Millisecond)
}

// TestADrainIsSaidEverywhere: while requests in flight keep a node from ending,
// the operations listener says that it takes no others.
func TestADrainIsSaidEverywhere(t *testing.T) {
	t.Parallel()
	p := startProgram(t, engines["embedded"](t))
	slow, err := net.Dial("tcp", p.api.Addr().String())
	require.NoError(t, err)
	defer slow.Close()
	_, err = io.WriteString(slow, "POST /api/v1/auth/login HTTP/1.1\r\nHost: atelier.test\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{")
	require.NoError(t, err)

	ops := &client{t: t, base: p.ops}
	ops.do("GET", "/readyz", nil).want(t, 200)
	stopped := make(chan error, 1)
	go func() { stopped <- p.stop() }()
	require.Eventually(t, func() bool { return ops.do("GET", "/readyz", nil).status == 503 }, 15*time.Second, 10*time.Millisecond)
	require.Equal(t, []any{"the node is shutting down"}, ops.do("GET", "/readyz", nil).list("reasons"))
	ops.do("GET", "/livez", nil).want(t, 200)

	_, err = io.WriteString(slow, "}")
	require.NoError(t, err)
	reply, err := http.ReadResponse(bufio.NewReader(slow), nil)
	require.NoError(t, err, "what was in flight is answered")
	reply.Body.Close()
	require.Equal(t, 400, reply.StatusCode)
	require.NoError(t, <-stopped)
}

// TestAStopThatOvertakesTheStart: a server that is stopped before its goroutine
// ran does not answer for ever.
func TestAStopThatOvertakesTheStart(t *testing.T) {
	t.Parallel()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		s := &server{failed: make(chan error, 1)}
		s.serve(fiber.New(fiber.Config{DisableStartupMessage: true}), l)
		require.NoError(t, s.stop())
		select {
		case ended := <-s.failed:
			t.Log("it ended: ", ended)
		case <-time.After(10 * time.Second):
			require.Fail(t, "it still listens")
		}
	}
}

func TestStartRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for sentence, change := range map[string]func(*settings){
		"must begin with postgres:// or sqlite:":   func(s *settings) { s.DatabaseURL = "mysql://x" },
		"ATELIER_PUBLIC_URL must be a URL":         func(s *settings) { s.PublicURL = "not a url" },
		"the API listener cannot be opened":        func(s *settings) { s.HTTPAddr = taken.Addr().String() },
		"the operations listener cannot be opened": func(s *settings) { s.OpsAddr = taken.Addr().String() },
		"the master key cannot be kept":            func(s *settings) { require.NoError(t, os.Mkdir(filepath.Join(s.DataDir, "master.key"), 0o700)) },
	} {
		c := settings{Env: "development", HTTPAddr: "127.0.0.1:0", OpsAddr: "127.0.0.1:0", storeSettings: engines["embedded"](t)}
		change(&c)
		_, err := start(t.Context(), c, log)
		require.ErrorContains(t, err, sentence)
		held, err := holdDirectory(c.DataDir)
		require.NoError(t, err, "nothing stays behind: %s", sentence)
		held.release()
	}
}

// httpClient is one for each test, so that connections end with it.
func httpClient(t testing.TB) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 100, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (p *program) client(t testing.TB) *client {
	return &client{t: t, base: p.url, http: httpClient(t)}
}
