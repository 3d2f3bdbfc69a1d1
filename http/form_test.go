package http

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// formed is a body that has a form.
type formed struct {
	plan *plan
	body reflect.Type
}

// formedBodies are of all sorts of members.
func formedBodies() []formed {
	s := fakeServer()
	return []formed{
		{planFor[createProjectInput](s, "POST"), reflect.TypeOf(createProjectInput{}.Body)}, {planFor[addCollaboratorInput](s, "POST"), reflect.TypeOf(addCollaboratorInput{}.Body)},
		{planFor[updateMeInput](s, "PATCH"), reflect.TypeOf(updateMeInput{}.Body)}, {planFor[loginInput](s, "POST"), reflect.TypeOf(loginInput{}.Body)},
	}
}

var formBodies = []struct {
	which int // of formedBodies
	body  string
	taken bool
}{
	{0, `{"name":"Harbour","description":"x","settings":{"public":true,"max_collaborators":3,"allow_comments":false}}`, true},
	{0, " {\r\n\t\"settings\" : { } , \"name\" : \"Häfen\" } ", true},
	{1, `{"user_id":"` + strings.ToUpper(someUser) + `","role":"editor"}`, true},
	{3, `{"password":"","email":"a@example.com","cookie":true}`, true},
	{2, `{}`, true},
	{0, `{"name":"\u0041"}`, false}, {0, `{"name":"a","name":"b"}`, false}, {0, `{"name":"a","settings":null}`, false}, {0, `{"name":"a","more":1}`, false},
	{0, `{"name":"a",}`, false}, {0, `{"name":"a"`, false}, {0, `{"name":"a"}}`, false}, {0, `{,"name":"a"}`, false}, {0, `{"name":"a" "description":"b"}`, false},
	{0, "{\"name\":\"\xff\"}", false}, {0, "{\"name\":\"a\tb\"}", false}, {0, `{"name":"a`, false}, {0, `{"name":`, false}, {0, `{"name":tru`, false}, {0, `["name"]`, false}, {0, ``, false}, {0, `{}`, false},
	{0, `{"name":""}`, false}, {0, `{"name":1}`, false}, {0, `{"name":"` + strings.Repeat("ü", 101) + `"}`, false}, {1, `{"user_id":"me"}`, false}, {1, `{"user_id":"` + someUser + `","role":"owner"}`, false},
	{0, `{"name":"a","settings":{"max_collaborators":01}}`, false}, {0, `{"name":"a","settings":{"max_collaborators":-1}}`, false}, {0, `{"name":"a","settings":{"max_collaborators":1.0}}`, false},
	{0, `{"name":"a","settings":{"max_collaborators":1e1}}`, false}, {0, `{"name":"a","settings":{"max_collaborators":10001}}`, false}, {0, `{"name":"a","settings":{"public":1}}`, false}, {0, `{"name":"a","settings":"b"}`, false},
	{3, `{"email":{},"password":"a"}`, false}, {0, `{"name":"a","settings":{"max_collaborators":99999999999999999999}}`, false},
}

func TestTheUsualBodyIsReadInOnePass(t *testing.T) {
	t.Parallel()
	plans := formedBodies()
	for _, one := range formBodies {
		require.Equal(t, one.taken, readAlike(t, plans[one.which], []byte(one.body)), one.body)
	}
}

// FuzzForm holds what is read in one pass against what the reader of any JSON makes of
// it: the same struct, and no error.
func FuzzForm(f *testing.F) {
	for _, one := range formBodies {
		f.Add(uint8(one.which), []byte(one.body))
	}
	plans := formedBodies()
	f.Fuzz(func(t *testing.T, which uint8, body []byte) { readAlike(t, plans[int(which)%len(plans)], body) })
}

// readAlike reports whether the form takes a body, which must then read as it does
// otherwise.
func readAlike(t *testing.T, of formed, body []byte) (taken bool) {
	t.Helper()
	p, got, want := of.plan, reflect.New(of.body).Elem(), reflect.New(of.body).Elem()
	if taken = p.form.read(body, got); !taken {
		return false
	}
	value, err := parse(body)
	require.NoError(t, err, "%q", body)
	require.NoError(t, validate(p.registry, p.schema, value), "%q", body)
	assign(want, value)
	require.Equal(t, want.Interface(), got.Interface(), "%q", body)
	return true
}
