package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// openAPI is what the tests read of the OpenAPI document.
type openAPI struct {
	Paths      map[string]map[string]*documented `json:"paths"`
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`
}

// documented is an operation in the document.
type documented struct {
	ID         string         `json:"operationId"`
	Parameters []parameterDoc `json:"parameters"`
	Permission string         `json:"x-permission"`
	Problems   []string       `json:"x-problems"`
	Body       *struct {
		Required bool
		Content  map[string]struct{ Schema *schema } `json:"content"`
	} `json:"requestBody"`
	Responses map[string]responseDoc `json:"responses"`
}

type parameterDoc struct {
	Name, In string
	Schema   *schema
}

type responseDoc struct {
	Headers map[string]any
	Content map[string]struct{ Schema *schema }
}

// schema is the part of JSON Schema that the document uses.
type schema struct {
	Type       any                `json:"type"`
	Ref        string             `json:"$ref"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
	Additional any                `json:"additionalProperties"`
	Items      *schema            `json:"items"`
	Enum       []any              `json:"enum"`
	MinLength  *int               `json:"minLength"`
	MaxLength  *int               `json:"maxLength"`
	MaxItems   *int               `json:"maxItems"`
	Minimum    *float64           `json:"minimum"`
	Maximum    *float64           `json:"maximum"`
	Pattern    string             `json:"pattern"`
	Format     string             `json:"format"`
}

func (d *openAPI) resolve(s *schema) *schema {
	if s.Ref != "" {
		return d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	return s
}

// kind is the schema's type, and whether null is one too.
func (s *schema) kind() (kind string, nullable bool) {
	switch t := s.Type.(type) {
	case string:
		return t, false
	case []any:
		for _, one := range t {
			if one == "null" {
				nullable = true
			} else {
				kind = one.(string)
			}
		}
	}
	return kind, nullable
}

// conforms tells where a value differs from its schema; "" where it does not.
func (d *openAPI) conforms(s *schema, value any, at string) string {
	s = d.resolve(s)
	kind, nullable := s.kind()
	if value == nil {
		if nullable {
			return ""
		}
		return at + " is null"
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, value) {
		return fmt.Sprintf("%s is %v, not of %v", at, value, s.Enum)
	}
	fits := true
	switch v := value.(type) {
	case map[string]any:
		return d.objectConforms(s, kind, v, at)
	case []any:
		for i, item := range v {
			if fault := d.conforms(s.Items, item, fmt.Sprintf("%s/%d", at, i)); fault != "" {
				return fault
			}
		}
		fits = kind == "array"
	case string:
		length := utf8.RuneCountInString(v)
		fits = kind == "string" && (s.MinLength == nil || length >= *s.MinLength) && (s.MaxLength == nil || length <= *s.MaxLength) &&
			(s.Pattern == "" || regexp.MustCompile(s.Pattern).MatchString(v)) && hasFormat(s.Format, v)
	case float64:
		fits = (kind == "number" || kind == "integer" && v == math.Trunc(v)) && (s.Minimum == nil || v >= *s.Minimum) && (s.Maximum == nil || v <= *s.Maximum)
	case bool:
		fits = kind == "boolean"
	}
	if !fits {
		return fmt.Sprintf("%s is %v, which is no %s as documented", at, value, kind)
	}
	return ""
}

func (d *openAPI) objectConforms(s *schema, kind string, fields map[string]any, at string) string {
	if kind != "object" {
		return fmt.Sprintf("%s is an object, not a %s", at, kind)
	}
	for _, name := range s.Required {
		if _, given := fields[name]; !given {
			return at + "/" + name + " is missing"
		}
	}
	for name, field := range fields {
		property := s.Properties[name]
		switch {
		case property != nil:
			if fault := d.conforms(property, field, at+"/"+name); fault != "" {
				return fault
			}
		case s.Additional == false:
			return at + "/" + name + " is not documented"
		}
	}
	return ""
}

// canonical is how this API writes ids and times.
var (
	canonicalID   = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	canonicalTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`)
)

func hasFormat(format, v string) bool {
	switch format {
	case "uuid":
		return canonicalID.MatchString(v)
	case "date-time":
		_, err := time.Parse(time.RFC3339Nano, v)
		return err == nil && canonicalTime.MatchString(v)
	}
	return true
}

// generator makes values from schemas. The same seed makes the same ones.
type generator struct {
	*openAPI
	*rand.Rand
	known map[string]string // values that a field of that name needs to mean something
}

const letters = "abcdefghijklmnopqrstuvwxyz 0123456789éß漢😀'\"\\</>&%"

func (g *generator) text(length int) string {
	runes := []rune(letters)
	b := make([]rune, length)
	for i := range b {
		b[i] = runes[g.IntN(len(runes))]
	}
	return string(b)
}

// valid is a value that the schema allows.
func (g *generator) valid(s *schema, name string) any {
	s = g.resolve(s)
	kind, nullable := s.kind()
	if nullable && g.IntN(4) == 0 {
		return nil
	}
	if len(s.Enum) > 0 {
		return s.Enum[g.IntN(len(s.Enum))]
	}
	switch kind {
	case "object":
		o := object{}
		for _, field := range slices.Sorted(maps.Keys(s.Properties)) {
			if slices.Contains(s.Required, field) || g.IntN(2) == 0 {
				o[field] = g.valid(s.Properties[field], field)
			}
		}
		if s.Additional == true {
			o[g.text(5)] = []any{1.5, "x", nil, object{"a": true}}
		}
		return o
	case "array":
		items := make([]any, g.IntN(4))
		for i := range items {
			items[i] = g.valid(s.Items, "")
		}
		return items
	case "string":
		if known, is := g.known[name]; is {
			return known
		}
		if s.Format == "uuid" {
			return uuid.NewString()
		}
		least, most := 0, 40
		if s.MinLength != nil {
			least = *s.MinLength
		}
		if s.MaxLength != nil {
			most = *s.MaxLength
		}
		return g.text(least + g.IntN(most-least+1))
	case "integer":
		least, most := 0.0, 1000.0
		if s.Minimum != nil {
			least = *s.Minimum
		}
		if s.Maximum != nil {
			most = *s.Maximum
		}
		return least + float64(g.IntN(int(most-least)+1))
	case "boolean":
		return g.IntN(2) == 0
	default:
		panic("the generator knows no " + kind)
	}
}

// invalid are bodies that the schema does not allow, each by one fault.
func (g *generator) invalid(s *schema) map[string]any {
	s = g.resolve(s)
	bodies := map[string]any{"a list": []any{}, "a text": "x", "a number": 5.0, "null": nil, "true": true}
	if s.Additional == true {
		return bodies
	}
	whole := func() object {
		o := object{}
		for field, property := range s.Properties {
			o[field] = g.valid(property, field)
		}
		return o
	}
	bodies["an extra field"] = with(whole(), object{"surprise": 1})
	for _, field := range s.Required {
		o := whole()
		delete(o, field)
		bodies["without "+field] = o
	}
	for field, property := range s.Properties {
		for fault, value := range g.wrong(property) {
			bodies[field+" "+fault] = with(whole(), object{field: value})
		}
	}
	return bodies
}

// wrong are values that the schema does not allow.
func (g *generator) wrong(s *schema) map[string]any {
	s = g.resolve(s)
	kind, nullable := s.kind()
	values := map[string]any{"as a list": []any{1}}
	if !nullable {
		values["as null"] = nil
	}
	if kind != "object" {
		values["as an object"] = object{"a": 1}
	}
	switch kind {
	case "object":
		for fault, body := range g.invalid(s) {
			values[fault] = body
		}
		delete(values, "null")
	case "array":
		values["as a text"] = "x"
		if s.MaxItems != nil {
			values["too long"] = slices.Repeat([]any{g.valid(s.Items, "")}, *s.MaxItems+1)
		}
	case "string":
		values["as a number"], values["with NUL"] = 17, "a\x00b"
		if s.MaxLength != nil {
			values["too long"] = strings.Repeat("é", *s.MaxLength+1)
		}
		if s.MinLength != nil {
			values["too short"] = strings.Repeat("x", *s.MinLength-1)
		}
		if len(s.Enum) > 0 || s.Format != "" {
			values["as something else"] = "something-else"
		}
	case "integer":
		values["as a text"], values["as a fraction"] = "5", 1.5
		if s.Maximum != nil {
			values["too large"] = *s.Maximum + 1
		}
		if s.Minimum != nil {
			values["too small"] = *s.Minimum - 1
		}
	case "boolean":
		values["as a text"], values["as a number"] = "true", 1
	}
	return values
}

// brokenBodies are no JSON, or JSON of which systems disagree.
var brokenBodies = map[string]string{
	"nothing": "", "blanks": " \n", "an open brace": "{", "an open text": `{"a":"`, "two values": `{} {}`, "a comma": `{"a":1,}`,
	"single quotes": `{'a':1}`, "bad UTF-8": "{\"a\":\"\xff\"}", "a control character": "{\"a\":\"\x01\"}", "bad escape": `{"a":"\x"}`,
	"half a surrogate": `{"\ud800":1}`, "a leading zero": `{"a":01}`, "NaN": `{"a":NaN}`, "a huge number": `{"a":1e999}`, "a comment": `{/**/}`,
	"twice": `{"a":1,"a":2}`, "a BOM": "\ufeff{}", "depth": strings.Repeat(`{"a":`, 9_000) + "1" + strings.Repeat("}", 9_000),
	"open lists": strings.Repeat("[", 100_000),
}

func render(value any) string {
	b, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(b)
}
