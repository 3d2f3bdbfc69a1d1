package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const rightsPage = "testdata/rights.txt"

const rightsIntroduction = `# Who gets what: each operation, with each kind of object, asked by each kind of caller, by a
# bearer token and by cookies. Made and compared by: go test ./cmd/atelier -run TestRights (-update writes it anew).
#
# users:  a stranger, one who is invited, one to whom the project is offered, and those with a role in it, from viewer to owner.
# staff:  those with a role in the installation and none in the project: support, auditor, administrator.
# barred: a project's admin and administrator who was suspended; administrators who were deactivated, deleted, or have signed out.
# Where cookies are answered otherwise than a token, that is said. A project's members are in it in all its states.
`

// TestRights asks every operation about every kind of object as every kind of caller,
// and holds what comes of it against the table; and what projects explain against that.
func TestRights(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		w := newRightsWorld(t, startProgram(t, store))
		w.cookies = store.embedded() // they are the edge's business, whatever the database
		asked := w.measure()
		page := renderRights(w, asked)
		if *update && store.embedded() {
			require.NoError(t, os.WriteFile(rightsPage, []byte(page), 0o644))
		}
		written, err := os.ReadFile(rightsPage)
		require.NoError(t, err)
		if string(written) != page {
			t.Errorf("rights have changed; if that is wanted: go test ./cmd/atelier -run TestRights -update\n%s", rightsDiff(string(written), page))
		}
		w.compareExplained(t, asked)
	})
}

// asked are the outcomes of one operation with one kind of object, by caller.
type asked struct {
	op      *rightsOp
	object  string
	outcome map[string]string
}

// measure asks about everything.
func (w *rightsWorld) measure() []*asked {
	var all []*asked
	var working sync.WaitGroup
	slots := make(chan struct{}, 24)
	for _, op := range w.ops {
		for _, object := range op.objects() {
			a := &asked{op, object, map[string]string{}}
			all = append(all, a)
			working.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				w.ask(a)
			})
		}
	}
	working.Wait()
	return all
}

// ask asks as everybody. An object that a request has used up is made anew.
func (w *rightsWorld) ask(a *asked) {
	target := w.target(a.op, a.object)
	ask := func(c *rightsCaller, headers ...string) *answer {
		if target == nil {
			target = w.target(a.op, a.object)
		}
		path, body := target(c)
		if _, raw := body.([]byte); raw {
			headers = append(slices.Clone(headers), "Content-Type: application/octet-stream")
		}
		answer := c.nobody().do(a.op.method, path, body, headers...)
		if answer.status < 300 && a.op.uses {
			target = nil
		}
		return answer
	}
	once := func(c *rightsCaller, headers ...string) string {
		answer := ask(c, headers...)
		for tries := 0; answer.status >= 503 && tries < 20; tries++ { // a slow machine that computes many passwords
			answer = ask(c, headers...)
		}
		return outcomeOf(answer)
	}
	for _, name := range a.op.callers() {
		caller := w.caller(a, name)
		byToken := once(caller, caller.byToken()...)
		if name == "nobody" || !w.cookies {
			a.outcome[name] = byToken
			continue
		}
		caller = w.caller(a, name)
		byCookie := once(caller, caller.byCookie()...)
		if byCookie != byToken {
			byToken += "; by cookies: " + byCookie
		}
		if a.op.method != "GET" && a.op.permission != "public" && !isBarred(name) {
			caller = w.caller(a, name)
			if forged := once(caller, caller.byCookie()[0]); forged != "403 csrf_failed" {
				byToken += "; by cookies that another site's page sends: " + forged
			}
		}
		a.outcome[name] = byToken
	}
}

func outcomeOf(a *answer) string {
	if a.status < 400 {
		return fmt.Sprint(a.status)
	}
	return fmt.Sprint(a.status, " ", a.text("code"))
}

// Kinds of callers, beside nobody.
var (
	inProjects = []string{"stranger", "invited", "offered", "viewer", "commenter", "editor", "collaborator", "admin", "owner"}
	lookAfter  = []string{"support", "auditor", "administrator"}
	shutOut    = []string{"suspended", "deactivated", "deleted", "signed out"}
)

// callerNames are all, in the order of the page.
func callerNames() []string { return slices.Concat([]string{"nobody"}, inProjects, lookAfter, shutOut) }

func isBarred(name string) bool { return slices.Contains(shutOut, name) }

// renderRights writes the page: objects with the same outcomes stand together.
func renderRights(w *rightsWorld, all []*asked) string {
	var b strings.Builder
	b.WriteString(rightsIntroduction)
	for _, op := range w.ops {
		fmt.Fprintf(&b, "\n%s  %s %s  (%s)\n", op.id, op.method, op.path, op.permission)
		type group struct{ objects, lines string }
		var groups []*group
		for _, a := range all {
			if a.op != op {
				continue
			}
			lines := a.lines()
			if i := slices.IndexFunc(groups, func(g *group) bool { return g.lines == lines }); i >= 0 {
				groups[i].objects += " | " + a.object
			} else {
				groups = append(groups, &group{a.object, lines})
			}
		}
		for _, g := range groups {
			if g.objects != "" {
				fmt.Fprintf(&b, "  %s\n", g.objects)
			}
			b.WriteString(g.lines)
		}
	}
	return b.String()
}

// lines are the outcomes with who gets them.
func (a *asked) lines() string {
	var b strings.Builder
	var outcomes []string
	who := map[string][]string{}
	for _, name := range a.op.callers() {
		outcome := a.outcome[name]
		if who[outcome] == nil {
			outcomes = append(outcomes, outcome)
		}
		who[outcome] = append(who[outcome], name)
	}
	slices.Sort(outcomes)
	for _, outcome := range outcomes {
		names := strings.Join(who[outcome], ", ")
		if len(who[outcome]) == len(callerNames()) {
			names = "everybody"
		}
		for group, members := range map[string][]string{"users": inProjects, "staff": lookAfter, "barred": shutOut} {
			names = strings.Replace(names, strings.Join(members, ", "), group, 1)
		}
		fmt.Fprintf(&b, "    %-32s %s\n", outcome, names)
	}
	return b.String()
}

// rightsDiff shows the operations that differ, as they are written and as they are.
func rightsDiff(written, page string) string {
	blocks := func(text string) map[string]string {
		all := map[string]string{}
		for _, block := range strings.Split(text, "\n\n") {
			head, _, _ := strings.Cut(block, "\n")
			all[head] = strings.TrimSuffix(block, "\n")
		}
		return all
	}
	before, after := blocks(written), blocks(page)
	heads := map[string]bool{}
	for _, text := range []map[string]string{before, after} {
		for head := range text {
			heads[head] = true
		}
	}
	var b strings.Builder
	for head := range heads {
		if before[head] == after[head] {
			continue
		}
		fmt.Fprintln(&b, head)
		was, is := about(before[head]), about(after[head])
		for _, line := range append(was, is...) {
			switch inWas, inIs := slices.Contains(was, line), slices.Contains(is, line); {
			case inWas && !inIs:
				fmt.Fprintln(&b, "-", line)
			case inIs && !inWas:
				fmt.Fprintln(&b, "+", line)
			}
		}
	}
	return b.String()
}

// about are the lines of an operation, each with the objects that it is about.
func about(block string) (lines []string) {
	objects := ""
	for line := range strings.SplitSeq(block, "\n") {
		if strings.HasPrefix(line, "    ") {
			lines = append(lines, strings.TrimSpace(objects)+": "+strings.TrimSpace(line))
		} else {
			objects = line
		}
	}
	return lines
}

// stillPossible in an archived project, although its rights say that it is read-only:
// the way out.
var stillPossible = []string{"removeCollaborator", "revokeInvitation", "listInvitations"}

// compareExplained holds what a project explains of each person's rights against what
// its operations have answered him.
func (w *rightsWorld) compareExplained(t *testing.T, all []*asked) {
	compared := 0
	for _, kind := range []string{"draft", "active", "public", "archived"} {
		project := w.newProject(kind, true)
		for _, name := range slices.Concat(inProjects, lookAfter) {
			explained := w.fixed["owner"].get("/projects/"+project.id+"/permissions?explain=true&user="+w.fixed[name].user, w.fixed["owner"].byToken()...).want(t, 200)
			reasons := map[string]string{}
			for _, r := range explained.list("rights") {
				right := r.(object)
				require.NotEmpty(t, right["reason"])
				reasons["project:"+right["right"].(string)] = fmt.Sprint(right["allowed"], ": ", right["reason"])
			}
			for _, a := range all {
				reason := reasons[a.op.permission]
				if reason == "" || a.object != kind {
					continue
				}
				compared++
				outcome, wanted := a.outcome[name], ""
				switch {
				case strings.HasPrefix(reason, "true"):
					require.NotContains(t, []string{"403 forbidden", "404 not_found", "401 unauthenticated"}, outcome, "%s of %s by %s: %s", a.op.id, kind, name, reason)
					continue
				case strings.Contains(reason, "neither owner nor collaborator"):
					wanted = "404 not_found"
				case strings.Contains(reason, "needs the role"):
					wanted = "403 forbidden"
				case strings.Contains(reason, "read-only") && slices.Contains(stillPossible, a.op.id):
					require.True(t, strings.HasPrefix(outcome, "20"), "%s of %s by %s: %s", a.op.id, kind, name, outcome)
					continue
				case strings.Contains(reason, "read-only"):
					wanted = "409 invalid_state"
				}
				require.Equal(t, wanted, outcome, "%s of %s by %s: %s", a.op.id, kind, name, reason)
			}
		}
	}
	require.Greater(t, compared, 500)
}
