package main

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// TestTheEventChannel walks through the protocol, as docs/realtime.md tells it.
func TestTheEventChannel(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada := signUp(t, p, "ada")
		for name, test := range map[string]func(*testing.T, *program, *client){
			"events": eventsAreTold, "replay": eventsAreReplayed, "commands": commandsAreCarriedOut, "faults": faultsAreTold, "tickets": ticketsLetIn,
			"credentials": credentialsAreChecked, "presence": presenceIsTold,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				mine := p.client(t).as(ada)
				mine.t = t
				test(t, p, mine)
			})
		}
	})
}

func newProject(t *testing.T, c *client) (id, path string) {
	id = c.post("/projects", object{"name": "Harbour"}).created(t).text("id")
	return id, "/projects/" + id
}

func eventsAreTold(t *testing.T, p *program, ada *client) {
	id, path := newProject(t, ada)
	l := ada.listen(t, p)
	sub := l.watch(id)
	require.Equal(t, "live", sub.text("mode"))
	require.Equal(t, "owner", sub.text("role"))
	position := ada.get(path).header.Get("Atelier-Position")
	require.Equal(t, position, fmt.Sprintf("%s:%d", sub.text("log"), sub.number("head")))

	ada.patch(path, object{"name": "Pier"}).want(t, 200)
	e := l.push("event")
	require.Equal(t, id, e.text("p"))
	require.Equal(t, "project.updated", e.text("t"))
	require.Equal(t, sub.number("head")+1, e.number("s"))
	require.Equal(t, ada.user, e.text("by"))
	require.Equal(t, "Pier", e.at("d").text("name"))
	_, err := time.Parse(time.RFC3339Nano, e.text("at"))
	require.NoError(t, err)

	require.Equal(t, float64(e.number("s")), l.ping().at("head").object()[id])
	require.NotEmpty(t, l.ask(object{"op": "unsub", "p": id}).at("ok").body)
	ada.patch(path, object{"name": "Quay"}).want(t, 200)
	l.ping()
	require.NotContains(t, strings.Join(l.all(), ""), "Quay")
	require.NoError(t, l.conn.Close(websocket.StatusNormalClosure, ""))
}

// ping is the answer to a ping: all that was sent before has come.
func (l *listener) ping() *answer {
	l.t.Helper()
	l.send(object{"op": "ping"})
	return l.await("pong", func(a *answer) bool { return a.text("op") == "pong" })
}

func eventsAreReplayed(t *testing.T, p *program, ada *client) {
	id, path := newProject(t, ada)
	l := ada.listen(t, p)
	log := l.watch(id).text("log")
	const events = 700 // more than two chunks
	for i := 2; i <= events; i++ {
		ada.patch(path, object{"name": fmt.Sprint("Harbour ", i)}).want(t, 200)
	}
	follow := func(l *listener, from int) {
		for s := from + 1; s <= events; s++ {
			require.Equal(t, s, l.push("event").number("s"))
		}
	}
	follow(l, 1)
	for _, from := range []int{0, 1, 400, events - 1} {
		again := ada.listen(t, p)
		sub := again.watch(id, object{"log": log, "seq": from})
		require.Equal(t, "replay", sub.text("mode"))
		require.Equal(t, events, sub.number("head"))
		follow(again, from)
		require.Equal(t, events, again.push("caught_up").number("s"))
	}
	again := ada.listen(t, p)
	require.Equal(t, "live", again.watch(id, object{"log": log, "seq": events}).text("mode"))
	for _, since := range []object{{"log": "of another installation", "seq": 5}, {"log": log, "seq": events + 1}, {"log": log, "seq": -1}} {
		sub := again.watch(id, since)
		require.Equal(t, "reset", sub.text("mode"))
		require.Equal(t, events, sub.number("head"))
		require.Equal(t, fmt.Sprint("Harbour ", events), sub.at("state").text("name"))
	}
	var writing sync.WaitGroup // it goes on while somebody comes to it
	writing.Go(func() {
		for i := range 100 {
			_, _ = ada.try("PATCH", api+path, object{"name": fmt.Sprint("Pier ", i)})
		}
	})
	late := ada.listen(t, p)
	late.watch(id, object{"log": log, "seq": 0})
	for s := 1; s <= events+100; s++ {
		require.Equal(t, s, late.push("event").number("s"))
	}
	writing.Wait()
}

func commandsAreCarriedOut(t *testing.T, p *program, ada *client) {
	id, path := newProject(t, ada)
	l := ada.listen(t, p)
	rename := object{"op": "cmd", "p": id, "key": "rename-" + id, "type": "project.update", "d": object{"name": "Pier"}}
	first := l.ask(rename).at("ok")
	require.Equal(t, 2, first.number("seq"), "%s", first.body)
	again := ada.signIn(t).listen(t, p).ask(rename).at("ok")
	require.Equal(t, 2, again.number("seq"))
	require.Equal(t, true, again.object()["replayed"])
	require.Equal(t, "idempotency_key_reused", l.ask(with(rename, object{"d": object{"name": "Quay"}})).problem())
	ada.post(path+"/activate", nil, "Idempotency-Key: rename-"+id).refused(t, 422, "idempotency_key_reused")
	require.Equal(t, "Pier", ada.get(path).text("name"))

	bob := signUp(t, p, "bob")
	ada.post(path+"/collaborators", object{"user_id": bob.user, "role": "viewer"}).created(t)
	other := bob.listen(t, p)
	other.watch(id)
	require.Equal(t, "forbidden", other.ask(with(rename, object{"key": "k"})).problem())
	for _, bad := range []object{{"key": ""}, {"key": "a b"}, {"type": "project.explode"}, {"d": object{"name": ""}}, {"d": object{"owner_id": bob.user}}, {"d": nil}} {
		require.Equal(t, "validation_failed", l.ask(with(rename, bad)).problem(), "%v", bad)
	}
	require.Equal(t, "not_found", signUp(t, p, "eve").listen(t, p).ask(with(rename, object{"key": "k"})).problem())
}

func faultsAreTold(t *testing.T, p *program, ada *client) {
	for name, test := range map[string]struct {
		message string
		code    int
	}{
		"not JSON": {"{", 4400}, "not an object": {`"hello"`, 4400}, "a field that is none": {`{"op":"ping","x":1}`, 4400}, "a field twice": {`{"op":"ping","op":"ping"}`, 4400},
		"an id that is none": {`{"op":"ping","id":{}}`, 4400}, "too many": {"[" + strings.Repeat(`{"op":"ping"},`, 100) + `{"op":"ping"}]`, 4400},
		"too long": {`{"op":"ping","client":"` + strings.Repeat("x", 256<<10) + `"}`, 4413},
		"a flood":  {"[" + strings.Repeat(`{"op":"unsub"},`, 99) + `{"op":"unsub"}]`, 4429},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mine := *ada
			mine.t = t
			l := mine.listen(t, p)
			for range 3 {
				if l.conn.Write(t.Context(), websocket.MessageText, []byte(test.message)) != nil {
					break
				}
			}
			require.Equal(t, test.code, l.closed())
		})
	}
	l := ada.listen(t, p)
	require.Equal(t, "validation_failed", l.ask(object{"op": "dance"}).problem())
	require.Equal(t, "validation_failed", l.ask(object{"op": "sub", "project": "x"}).problem())
	require.Equal(t, "not_found", l.ask(object{"op": "sub", "project": ada.user}).problem())
	require.Equal(t, "not_found", l.ask(object{"op": "unsub", "p": ada.user}).problem())
	require.Equal(t, "invalid_state", l.ask(object{"op": "hello"}).problem())
	require.NoError(t, l.conn.Write(t.Context(), websocket.MessageBinary, []byte("{}")))
	require.Equal(t, 4400, l.closed())
}

func ticketsLetIn(t *testing.T, p *program, ada *client) {
	ada.post("/realtime/tickets", nil).created(t) // nothing of the body is required
	issue := func(body object) string { return ada.post("/realtime/tickets", body).created(t).text("ticket") }
	l, err := dialRealtime(t, p, "?ticket="+issue(object{}))
	require.NoError(t, err)
	require.Equal(t, ada.session, l.ask(object{"op": "hello"}).at("hello").text("session"))

	l, err = dialRealtime(t, p, "?ticket="+issue(object{}))
	require.NoError(t, err)
	project, document := ada.newDocument()
	issue(object{"document": strings.ToUpper(document)})
	l.ask(object{"op": "hello"})
	require.Equal(t, project, l.ask(object{"op": "sub", "project": strings.ToUpper(project)}).at("sub").text("project"))

	used := issue(object{})
	var in, out atomic.Int32
	var using sync.WaitGroup
	for range 16 {
		using.Go(func() {
			l, err := dialRealtime(t, p, "?ticket="+used)
			if err != nil {
				t.Error(err)
				return
			}
			_ = l.conn.Write(t.Context(), websocket.MessageText, []byte(`{"id":1,"op":"hello"}`)) // it may be closed already
			if l.search(func(a *answer) bool { return a.number("re") == 1 }) != nil {
				in.Add(1)
			} else if websocket.CloseStatus(l.ended) == 4501 {
				out.Add(1)
			}
		})
	}
	using.Wait()
	require.EqualValues(t, 1, in.Load(), "one gets in")
	require.EqualValues(t, 15, out.Load(), "the others are told to fetch another")

	_, path := newProject(t, ada)
	document = ada.post(path+"/documents", object{"name": "Plan"}).created(t).text("id")
	for name, ticket := range map[string]string{"of a document": issue(object{"document": document}), "forged": used[:len(used)-2] + "AA", "nothing": "x"} {
		l, err := dialRealtime(t, p, "?ticket="+ticket)
		require.NoError(t, err)
		require.Equal(t, 4401, l.closed(), name)
	}
	signUp(t, p, "eve").post("/realtime/tickets", object{"document": document}).refused(t, 404, "not_found")
	other := ada.signIn(t)
	late := other.post("/realtime/tickets", object{}).created(t).text("ticket")
	other.post("/auth/logout", nil).want(t, 204)
	l, err = dialRealtime(t, p, "?ticket="+late)
	require.NoError(t, err)
	require.Equal(t, 4401, l.closed(), "a ticket ends with its session")
}

func credentialsAreChecked(t *testing.T, p *program, ada *client) {
	l, err := dialRealtime(t, p, "", "Cookie: atelier_access="+ada.token, "Origin: http://atelier.test")
	require.NoError(t, err)
	hello := l.ask(object{"op": "hello"}).at("hello")
	require.Equal(t, ada.session, hello.text("session"))
	require.Nil(t, hello.object()["exp"], "its page renews the cookie")
	for _, origin := range []string{"http://evil.test", "null", "http://atelier.test.evil.test"} {
		_, err = dialRealtime(t, p, "", "Cookie: atelier_access="+ada.token, "Origin: "+origin)
		require.ErrorContains(t, err, "403", origin)
	}
	l, err = dialRealtime(t, p, "")
	require.NoError(t, err)
	hello = l.ask(object{"op": "hello", "token": ada.token}).at("hello")
	require.Equal(t, ada.user, hello.at("user").text("id"))
	require.NotEmpty(t, hello.text("exp"))
	next := ada.signIn(t)
	require.NotEmpty(t, l.ask(object{"op": "token", "token": next.token}).at("ok").text("exp"))
	next.post("/auth/logout", nil).want(t, 204)
	require.Equal(t, "session_revoked", l.push("revoked").text("code"), "it hangs on the new session")
	require.Equal(t, 4401, l.closed())

	l = ada.listen(t, p)
	require.Equal(t, "forbidden", l.ask(object{"op": "token", "token": signUp(t, p, "eve").token}).problem())
	require.Equal(t, "invalid_token", l.ask(object{"op": "token", "token": "x"}).problem())
	for name, first := range map[string]object{"nobody": {"op": "hello"}, "a bad token": {"op": "hello", "token": "x"}} {
		l, err := dialRealtime(t, p, "")
		require.NoError(t, err)
		l.send(first) // it is open, until this has come
		require.Equal(t, 4401, l.closed(), name)
	}
	l, err = dialRealtime(t, p, "", "Authorization: Bearer x")
	require.NoError(t, err)
	require.Equal(t, 4401, l.closed())
	l, err = dialRealtime(t, p, "")
	require.NoError(t, err)
	require.Equal(t, 4408, l.closed(), "no hello comes")
	l, err = dialRealtime(t, p, "", "Authorization: Bearer "+ada.token)
	require.NoError(t, err)
	l.send(object{"op": "ping"})
	require.Equal(t, 4400, l.closed(), "hello comes first")
	ada.get("/realtime").refused(t, 400, "validation_failed")
}

func presenceIsTold(t *testing.T, p *program, ada *client) {
	id, path := newProject(t, ada)
	bob := signUp(t, p, "bob")
	ada.post(path+"/collaborators", object{"user_id": bob.user, "role": "viewer"}).created(t)
	one, two := ada.listen(t, p), bob.listen(t, p)
	one.watch(id)
	two.watch(id)
	require.Empty(t, one.push("presence").list("full"))
	require.NotEmpty(t, two.ask(object{"op": "presence", "p": id, "set": object{"at": 3}}).at("ok").body)
	join := one.await("join", func(a *answer) bool { return a.text("ev") == "presence" && len(a.list("join")) > 0 }).list("join")[0].(object)
	require.Equal(t, bob.user, join["user_id"])
	require.Equal(t, "bob", join["name"])
	require.Equal(t, object{"at": 3.0}, join["state"])
	two.ask(object{"op": "presence", "p": id, "set": object{"at": 4}})
	one.await("upd", func(a *answer) bool { return a.text("ev") == "presence" && len(a.list("upd")) > 0 })
	require.NotEmpty(t, two.ask(object{"op": "broadcast", "p": id, "d": object{"wave": true}}).at("ok").body)
	heard := one.push("broadcast")
	require.Equal(t, bob.user, heard.text("by"))
	require.Equal(t, object{"wave": true}, heard.object()["d"])
	ada.delete(path+"/collaborators/"+bob.user).want(t, 204)
	require.Equal(t, "not_found", two.push("revoked").text("code"))
	require.Equal(t, []any{bob.user}, one.await("leave", func(a *answer) bool { return a.text("ev") == "presence" && len(a.list("leave")) > 0 }).list("leave"))
	require.Equal(t, "not_found", two.ask(object{"op": "broadcast", "p": id, "d": object{}}).problem())
	two.ping()
	require.NotContains(t, strings.Join(two.all(), ""), `"wave"`, "who says something does not hear himself")
}
