package http

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"atelier/messages"
)

// plan tells how a request becomes an input struct: fields tagged path or query
// are parameters, a field named Body is the JSON body.
type plan struct {
	registry huma.Registry
	params   []param
	body     []int // index of Body; nil: no body is read
	schema   *huma.Schema
	bodyType reflect.Type
}

type param struct {
	name   string
	in     string // path or query
	index  []int
	kind   reflect.Kind
	field  reflect.StructField
	schema *huma.Schema
}

func planFor[I any](s *Server) *plan {
	p := &plan{registry: s.document.Components.Schemas}
	t := reflect.TypeFor[I]()
	for _, f := range reflect.VisibleFields(t) {
		switch {
		case f.Name == "Body":
			p.body, p.bodyType = f.Index, f.Type
			p.schema = p.registry.Schema(f.Type, true, t.Name()+"Body")
		case f.Tag.Get("path") != "":
			p.add(f, "path")
		case f.Tag.Get("query") != "":
			p.add(f, "query")
		}
	}
	return p
}

func (p *plan) add(f reflect.StructField, in string) {
	kind := f.Type.Kind()
	if kind == reflect.Pointer {
		kind = f.Type.Elem().Kind()
	}
	p.params = append(p.params, param{
		name: f.Tag.Get(in), in: in, index: f.Index, kind: kind, field: f, schema: huma.SchemaFromField(p.registry, f, ""),
	})
}

// bind fills the input from the request.
func (p *plan) bind(c *fiber.Ctx, into reflect.Value) error {
	for i := range p.params {
		q := &p.params[i]
		text := ""
		if q.in == "path" {
			text = c.Params(q.name)
		} else if text = c.Query(q.name); text == "" {
			continue
		}
		if err := q.set(into.FieldByIndex(q.index), text); err != nil {
			return err
		}
	}
	if err := p.unknown(c); err != nil {
		return err
	}
	if p.body == nil {
		return nil
	}
	return p.decode(c, into.FieldByIndex(p.body).Addr().Interface())
}

// unknown refuses query parameters that the operation does not take.
func (p *plan) unknown(c *fiber.Ctx) (err error) {
	if len(c.Request().URI().QueryString()) == 0 {
		return nil
	}
	c.Context().QueryArgs().VisitAll(func(key, _ []byte) {
		for i := range p.params {
			if p.params[i].in == "query" && p.params[i].name == string(key) {
				return
			}
		}
		err = messages.Invalid(string(key), "unknown_field", "there is no parameter %q", string(key))
	})
	return err
}

func (q *param) set(field reflect.Value, text string) error {
	if q.in == "path" && q.field.Tag.Get("format") == "uuid" && !messages.ValidID(text) && (q.name != "user_id" || text != "me") {
		return messages.Refuse(messages.CodeNotFound, "not found")
	}
	target := field
	if field.Kind() == reflect.Pointer {
		target = reflect.New(field.Type().Elem()).Elem()
		field.Set(target.Addr())
	}
	var value any
	switch q.kind {
	case reflect.Int, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return messages.Invalid(q.name, "type", "%s must be a whole number", q.name)
		}
		target.SetInt(n)
		value = float64(n)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return messages.Invalid(q.name, "type", "%s must be true or false", q.name)
		}
		target.SetBool(b)
		value = b
	default:
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return messages.Invalid(q.name, "format", "%s must be valid text", q.name)
		}
		target.SetString(text)
		value = text
	}
	if q.in == "path" {
		return nil
	}
	return validate(huma.NewMapRegistry("", huma.DefaultSchemaNamer), q.schema, value, q.name)
}

// decode reads and validates the body.
func (p *plan) decode(c *fiber.Ctx, into any) error {
	kind, _, _ := strings.Cut(c.Get(fiber.HeaderContentType), ";")
	if kind = strings.TrimSpace(strings.ToLower(kind)); kind != "application/json" && !(c.Method() == "PATCH" && kind == "application/merge-patch+json") {
		return messages.Refuse(messages.CodeUnsupportedMediaType, "the body must be application/json")
	}
	body := c.Body()
	if !utf8.Valid(body) {
		return messages.Refuse(messages.CodeMalformedJSON, "the body is not UTF-8")
	}
	var value any
	if err := strict(body, &value); err != nil {
		return err
	}
	if err := validate(p.registry, p.schema, value, ""); err != nil {
		return err
	}
	if err := p.nulls(p.schema, value, ""); err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return messages.Refuse(messages.CodeValidationFailed, "the body does not have the documented form")
	}
	return nil
}

// nulls refuses null where the schema has no place for it: the validator takes
// it for an absent field.
func (p *plan) nulls(schema *huma.Schema, value any, at string) error {
	if schema.Ref != "" {
		schema = p.registry.SchemaFromRef(schema.Ref)
	}
	fields, object := value.(map[string]any)
	if !object {
		return nil
	}
	for name, field := range fields {
		property := schema.Properties[name]
		if property == nil {
			continue
		}
		if field == nil && !property.Nullable {
			return messages.Invalid(at+"/"+name, "type", "%s must not be null", name)
		}
		if err := p.nulls(property, field, at+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

// strict reads one JSON value and nothing behind it. Keys that come twice, and
// NUL characters, are refused: systems disagree about them.
func strict(body []byte, into *any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(into); err != nil {
		return malformed(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return messages.Refuse(messages.CodeMalformedJSON, "there is something behind the JSON value")
	}
	if bytes.Contains(body, []byte(`\u0000`)) {
		return messages.Refuse(messages.CodeValidationFailed, "texts must not contain NUL characters")
	}
	return unique(json.NewDecoder(bytes.NewReader(body)), "")
}

func malformed(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return messages.Refuse(messages.CodeMalformedJSON, "the body is not JSON at byte %d", syntax.Offset)
	}
	return messages.Refuse(messages.CodeMalformedJSON, "the body is not JSON")
}

// unique walks a value and refuses a key that comes twice in one object.
func unique(d *json.Decoder, at string) error {
	token, err := d.Token()
	if err != nil {
		return malformed(err)
	}
	switch token {
	case json.Delim('{'):
		seen := make(map[string]struct{}, 8)
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return malformed(err)
			}
			name := key.(string)
			if _, twice := seen[name]; twice {
				return messages.Invalid(at+"/"+name, "duplicate", "%s comes twice", name)
			}
			seen[name] = struct{}{}
			if err := unique(d, at+"/"+name); err != nil {
				return err
			}
		}
		_, err = d.Token()
	case json.Delim('['):
		for i := 0; d.More(); i++ {
			if err := unique(d, at+"/"+strconv.Itoa(i)); err != nil {
				return err
			}
		}
		_, err = d.Token()
	}
	return err
}

// validate holds a value against its schema and reports every failing field.
func validate(r huma.Registry, schema *huma.Schema, value any, parameter string) error {
	path := huma.NewPathBuffer(make([]byte, 0, 64), 0)
	var found huma.ValidateResult
	huma.Validate(r, schema, path, huma.ModeWriteToServer, value, &found)
	if len(found.Errors) == 0 {
		return nil
	}
	refusal := &messages.Error{Code: messages.CodeValidationFailed}
	for _, err := range found.Errors {
		field := &messages.FieldError{Pointer: parameter, Message: err.Error()}
		var detail *huma.ErrorDetail
		if errors.As(err, &detail) {
			field.Message = detail.Message
			if parameter == "" && detail.Location != "" {
				field.Pointer = "/" + strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(detail.Location)
			}
		}
		field.Code = fieldCode(field.Message)
		refusal.Fields = append(refusal.Fields, field)
	}
	first := refusal.Fields[0]
	refusal.Message = strings.TrimSpace(fmt.Sprintf("%s %s", strings.TrimPrefix(first.GetPointer(), "/"), first.GetMessage()))
	return refusal
}

// fieldCode is the stable name of what the validator says in words.
func fieldCode(message string) string {
	switch {
	case strings.Contains(message, "required"):
		return "required"
	case strings.Contains(message, "unexpected property"):
		return "unknown_field"
	case strings.Contains(message, "one of"):
		return "not_allowed"
	case strings.Contains(message, "length"), strings.Contains(message, "number >"), strings.Contains(message, "number <"), strings.Contains(message, "items"):
		return "out_of_range"
	case strings.Contains(message, "RFC"), strings.Contains(message, "format"), strings.Contains(message, "pattern"):
		return "format"
	default:
		return "type"
	}
}
