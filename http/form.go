package http

import (
	"bytes"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// form is a JSON object as the struct that is made for it. By it nearly all bodies
// are read in one pass, straight into the struct: those that have what is documented,
// and nothing out of the ordinary. It says yes or no. Whatever it does not take,
// because it is wrong or just unusual, such as text with escapes, is read by parse,
// validate and assign, which know everything and say what is wrong: a test holds what
// it takes against what those make of it.
type form struct {
	registry huma.Registry
	members  []member
	required uint64 // members, by bits
}

type member struct {
	name   string
	schema *huma.Schema
	object *form // of a struct; nil: a text, a number or a flag
}

// formOf is the form of a struct's type; nil where that has members of other sorts.
func formOf(r huma.Registry, schema *huma.Schema, t reflect.Type) *form {
	if schema.Ref != "" {
		schema = r.SchemaFromRef(schema.Ref)
	}
	if t.Kind() != reflect.Struct || schema.Type != huma.TypeObject || t.NumField() > 64 || len(schema.Properties) != t.NumField() {
		return nil
	}
	f := &form{registry: r}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		m := member{name: name, schema: schema.Properties[name]}
		kind := t.Field(i).Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		simple := slices.Contains([]reflect.Kind{reflect.String, reflect.Bool, reflect.Int32}, kind.Kind()) || reflect.PointerTo(kind).Implements(reflect.TypeFor[settable]())
		if !simple {
			if m.object = formOf(r, m.schema, kind); m.object == nil {
				return nil
			}
		}
		f.members = append(f.members, m)
		if slices.Contains(schema.Required, name) {
			f.required |= 1 << i
		}
	}
	return f
}

// read fills the struct, and reports whether it took the body. What it did not take
// may have left something in the struct.
func (f *form) read(body []byte, into reflect.Value) bool {
	rest, ok := f.object(body, into)
	return ok && len(skip(rest)) == 0
}

// object reads an object and returns what comes behind it.
func (f *form) object(b []byte, into reflect.Value) (rest []byte, ok bool) {
	var given uint64
	b, ok = after(b, '{')
	if !ok {
		return nil, false
	}
	for first := true; ; first = false {
		if rest, ok = after(b, '}'); ok {
			return rest, f.required&^given == 0
		}
		if !first {
			if b, ok = after(b, ','); !ok {
				return nil, false
			}
		}
		name, rest, ok := text(b)
		if !ok {
			return nil, false
		}
		at := f.find(name)
		if at < 0 || given&(1<<at) != 0 {
			return nil, false
		}
		given |= 1 << at
		if b, ok = after(rest, ':'); !ok {
			return nil, false
		}
		if b, ok = f.value(b, &f.members[at], into.Field(at)); !ok {
			return nil, false
		}
	}
}

func (f *form) find(name []byte) int {
	for i := range f.members {
		if f.members[i].name == string(name) {
			return i
		}
	}
	return -1
}

// value reads a member into its field.
func (f *form) value(b []byte, m *member, field reflect.Value) (rest []byte, ok bool) {
	if m.object != nil {
		if field.Kind() == reflect.Pointer {
			field.Set(reflect.New(field.Type().Elem()))
			field = field.Elem()
		}
		return m.object.object(b, field)
	}
	var value any
	switch b = skip(b); {
	case len(b) == 0:
		return nil, false
	case b[0] == '"':
		var found []byte
		found, rest, ok = text(b)
		value = string(found)
	case b[0] >= '0' && b[0] <= '9':
		var n int64
		n, rest, ok = whole(b)
		value = float64(n)
	case bytes.HasPrefix(b, []byte("true")):
		value, rest, ok = true, b[len("true"):], true
	case bytes.HasPrefix(b, []byte("false")):
		value, rest, ok = false, b[len("false"):], true
	}
	if !ok || validate(f.registry, m.schema, value) != nil {
		return nil, false
	}
	assign(field, value)
	return rest, true
}

// text reads a text without escapes.
func text(b []byte) (found, rest []byte, ok bool) {
	if b, ok = after(b, '"'); !ok {
		return nil, nil, false
	}
	ascii := true
	for i, c := range b {
		switch {
		case c == '"':
			return b[:i], b[i+1:], ascii || utf8.Valid(b[:i])
		case c == '\\', c < ' ':
			return nil, nil, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, nil, false
}

// whole reads a number that is written as digits alone.
func whole(b []byte) (n int64, rest []byte, ok bool) {
	end := 0
	for end < len(b) && b[end] >= '0' && b[end] <= '9' {
		end++
	}
	n, err := strconv.ParseInt(string(b[:end]), 10, 32)
	plain := end == len(b) || b[end] != '.' && b[end] != 'e' && b[end] != 'E'
	return n, b[end:], err == nil && plain && (b[0] != '0' || end == 1)
}

// after skips white space and the character behind it.
func after(b []byte, c byte) (rest []byte, ok bool) {
	if b = skip(b); len(b) == 0 || b[0] != c {
		return nil, false
	}
	return b[1:], true
}

func skip(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\n' || b[0] == '\r' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}
