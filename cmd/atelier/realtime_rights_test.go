package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSocketsKeepWhatIsLeft takes rights away, and looks at what an open socket is told
// and may still do. That nothing gets through after the reply is shown on three nodes,
// in test/faults.
func TestSocketsKeepWhatIsLeft(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada, root := signUp(t, p, "ada"), admin(t, p)
		for name, test := range map[string]func(t *testing.T, ada, bob, root *client, l *listener, id string){
			"removed":   whoIsRemoved,
			"demoted":   whoIsDemoted,
			"suspended": whoIsSuspended,
			"sessions":  whoseSessionsEnd,
			"archived":  whoseProjectIsArchived,
			"deleted":   whoseProjectIsDeleted,
			"private":   whoReadsAPublicProject,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				mine, roots := p.client(t).as(ada), p.client(t).as(root)
				mine.t, roots.t = t, t
				id, path := newProject(t, mine)
				mine.post(path+"/activate", nil).want(t, 200)
				bob := signUp(t, p, "bob")
				mine.post(path+"/collaborators", object{"user_id": bob.user, "role": "editor"}).created(t)
				l := bob.listen(t, p)
				require.Equal(t, "editor", l.watch(id).text("role"))
				require.NotEmpty(t, l.rename(id, "before").at("ok").body)
				test(t, mine, bob, roots, l, id)
			})
		}
	})
}

// rename is the answer to a command of a new name.
func (l *listener) rename(project, name string) *answer {
	l.t.Helper()
	return l.ask(object{"op": "cmd", "p": project, "key": fmt.Sprint(project, people.Add(1)), "type": "project.update", "d": object{"name": name}})
}

func whoIsRemoved(t *testing.T, ada, bob, _ *client, l *listener, id string) {
	other, _ := newProject(t, bob)
	l.watch(other)
	ada.delete("/projects/"+id+"/collaborators/"+bob.user).want(t, 204)
	told := l.push("revoked")
	require.Equal(t, id, told.text("p"))
	require.Equal(t, "not_found", told.text("code"))
	require.Equal(t, "not_found", l.rename(id, "after").problem())
	require.Equal(t, "not_found", l.ask(object{"op": "sub", "project": id}).problem())
	require.NotEmpty(t, l.rename(other, "his own").at("ok").body, "the rest goes on")
}

func whoIsDemoted(t *testing.T, ada, bob, _ *client, l *listener, id string) {
	ada.patch("/projects/"+id+"/collaborators/"+bob.user, object{"role": "viewer"}).want(t, 200)
	require.Equal(t, "viewer", l.push("role").text("role"))
	require.Equal(t, "forbidden", l.rename(id, "after").problem())
	ada.patch("/projects/"+id, object{"name": "hers"}).want(t, 200)
	l.await("her change", func(a *answer) bool { return a.at("d").text("name") == "hers" })
	ada.patch("/projects/"+id+"/collaborators/"+bob.user, object{"role": "admin"}).want(t, 200)
	require.Equal(t, "admin", l.push("role").text("role"))
	require.NotEmpty(t, l.rename(id, "again").at("ok").body)
}

func whoIsSuspended(t *testing.T, _, bob, root *client, l *listener, _ string) {
	root.post("/users/"+bob.user+"/suspend", object{"reason": "x"}).want(t, 200)
	require.Equal(t, "user_suspended", l.push("revoked").text("code"))
	require.Equal(t, 4401, l.closed())
}

func whoseSessionsEnd(t *testing.T, _, bob, _ *client, l *listener, id string) {
	second := bob.signIn(t)
	other := second.listen(t, &program{server: nil, url: bob.base})
	other.watch(id)
	bob.delete("/users/me/sessions/"+second.session).want(t, 204)
	require.Equal(t, "session_revoked", other.push("revoked").text("code"))
	require.Equal(t, 4401, other.closed())
	third := bob.signIn(t).listen(t, &program{url: bob.base})
	bob.delete("/users/me/sessions").want(t, 204)
	require.Equal(t, 4401, third.closed())
	require.NotEmpty(t, l.rename(id, "still here").at("ok").body, "this session is another one")
	bob.post("/auth/logout", nil).want(t, 204)
	require.Equal(t, 4401, l.closed())
}

func whoseProjectIsArchived(t *testing.T, ada, _, _ *client, l *listener, id string) {
	ada.post("/projects/"+id+"/archive", nil).want(t, 200)
	l.await("it is archived", func(a *answer) bool { return a.text("t") == "project.archived" })
	require.Equal(t, "invalid_state", l.rename(id, "after").problem())
	ada.post("/projects/"+id+"/restore", nil).want(t, 200)
	l.await("it is restored", func(a *answer) bool { return a.text("t") == "project.restored" })
	require.NotEmpty(t, l.rename(id, "again").at("ok").body)
}

func whoseProjectIsDeleted(t *testing.T, ada, _, _ *client, l *listener, id string) {
	ada.delete("/projects/"+id).want(t, 204)
	require.Equal(t, "not_found", l.push("revoked").text("code"))
}

func whoReadsAPublicProject(t *testing.T, ada, bob, _ *client, l *listener, id string) {
	path := "/projects/" + id
	ada.patch(path, object{"settings": object{"public": true}}).want(t, 200)
	ada.delete(path+"/collaborators/"+bob.user).want(t, 204)
	require.Equal(t, "public", l.push("role").text("role"), "he may still read it")
	require.Equal(t, "forbidden", l.rename(id, "after").problem())
	require.Equal(t, "forbidden", l.ask(object{"op": "presence", "p": id, "set": object{}}).problem())
	require.Equal(t, "forbidden", l.ask(object{"op": "broadcast", "p": id, "d": object{}}).problem())
	ada.post(path+"/collaborators", object{"user_id": bob.user, "role": "editor"}).created(t)
	require.Equal(t, "editor", l.push("role").text("role"), "without asking")
	require.NotEmpty(t, l.ask(object{"op": "presence", "p": id, "set": object{}}).at("ok").body)
	ada.delete(path+"/collaborators/"+bob.user).want(t, 204)
	require.Equal(t, "public", l.push("role").text("role"))
	ada.patch(path, object{"settings": object{"public": false}}).want(t, 200)
	require.Equal(t, "not_found", l.push("revoked").text("code"))
}

// TestSlowReadersBeginAnew: who reads nothing is told once where to begin anew, and
// others do not wait for him.
func TestSlowReadersBeginAnew(t *testing.T) {
	t.Parallel()
	p := startProgram(t, engines["embedded"](t))
	ada := signUp(t, p, "ada")
	id, path := newProject(t, ada)
	slow, err := dialSilent(t, p, "", "Authorization: Bearer "+ada.token)
	require.NoError(t, err)
	slow.send(object{"id": 101, "op": "hello"})
	slow.send(object{"id": 102, "op": "sub", "project": id})
	slow.send(object{"id": 103, "op": "presence", "p": id, "set": object{"slow": true}}) // then it watches
	quick := ada.listen(t, p)
	log := quick.watch(id).text("log")
	quick.await("the slow one", func(a *answer) bool { return strings.Contains(string(a.body), `"slow":true`) })
	loud := []*listener{ada.listen(t, p), ada.listen(t, p), ada.listen(t, p)} // each may say 100 things at once
	for _, l := range loud {
		l.watch(id)
	}
	heard := 0
	for round := range 15 { // more than the queue and the kernels take
		for range 4 {
			for _, l := range loud {
				l.send(object{"op": "broadcast", "p": id, "d": object{"text": strings.Repeat("x", 16000)}})
			}
		}
		ada.patch(path, object{"name": fmt.Sprint("Pier ", round), "description": strings.Repeat("𝄞", 490) + fmt.Sprint(round)}).want(t, 200)
		e := quick.push("event")
		require.Equal(t, fmt.Sprint("Pier ", round), e.at("d").text("name"))
		heard = e.number("s")
	}
	slow.hear()
	from := 1
	if lagged := slow.search(func(a *answer) bool { return a.text("ev") == "lagged" }); lagged != nil {
		require.Equal(t, id, lagged.text("p"))
		from = lagged.number("from")
	} else {
		slow = ada.listen(t, p) // on a machine so busy that a write has stalled for ten seconds, it was closed
	}
	sub := slow.watch(id, object{"log": log, "seq": from})
	require.Equal(t, "replay", sub.text("mode"))
	for s := from + 1; s <= heard; s++ {
		slow.await("the event", func(a *answer) bool { return a.text("ev") == "event" && a.number("s") == s })
	}
	slow.push("caught_up")
	require.NotContains(t, strings.Join(slow.all(), ""), `"lagged"`, "it is told once")
}

// TestNodesSendTheirSocketsAway: a node that stops says so on its sockets, and what
// happens while a client moves is there when it comes back.
func TestNodesSendTheirSocketsAway(t *testing.T) {
	t.Parallel()
	store := engines["embedded"](t)
	p := startProgram(t, store)
	ada := signUp(t, p, "ada")
	id, path := newProject(t, ada)
	l := ada.listen(t, p)
	sub := l.watch(id)
	stopped := make(chan error, 1)
	go func() { stopped <- p.stop() }()
	require.Positive(t, l.push("move").number("after_ms"))
	require.Equal(t, 4503, l.closed())
	require.NoError(t, <-stopped)

	again := startProgram(t, store)
	there := again.client(t).as(ada)
	there.patch(path, object{"name": "Pier"}).want(t, 200)
	l = there.listen(t, again)
	l.watch(id, object{"log": sub.text("log"), "seq": sub.number("head")})
	require.Equal(t, sub.number("head")+1, l.push("event").number("s"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, l.conn.Ping(ctx))
}
