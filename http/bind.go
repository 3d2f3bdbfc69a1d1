package http

import (
	"bytes"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"atelier/messages"
)

// plan tells how a request becomes an input struct: fields tagged path or query
// are parameters, a field named Body is the JSON body, one named Raw a body of bytes.
type plan struct {
	registry huma.Registry
	params   []param
	body     []int // index of Body; nil: none is taken
	schema   *huma.Schema
	form     *form // of the usual body; nil: it has none
	optional bool  // no body is as good as {}
	raw      []int // index of Raw; nil: the body is JSON
	rawDoc   string
}

type param struct {
	name   string
	in     string // path or query
	index  []int
	kind   reflect.Kind
	field  reflect.StructField
	schema *huma.Schema
}

// planFor is the plan of an operation's input. A POST need not have a body of which
// nothing is required.
func planFor[I any](s *Server, method string) *plan {
	p := &plan{registry: s.document.Components.Schemas}
	t := reflect.TypeFor[I]()
	for _, f := range reflect.VisibleFields(t) {
		switch {
		case f.Name == "Body":
			p.body = f.Index
			p.schema = p.registry.Schema(f.Type, true, t.Name()+"Body")
			p.form = formOf(p.registry, p.schema, f.Type)
			p.optional = method == "POST" && len(p.registry.SchemaFromRef(p.schema.Ref).Required) == 0
		case f.Name == "Raw":
			p.raw, p.rawDoc = f.Index, f.Tag.Get("doc")
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
		if q := &p.params[i]; q.in == "path" {
			if err := q.place(into.FieldByIndex(q.index), c.Params(q.name)); err != nil {
				return err
			}
		}
	}
	if err := p.query(c, into); err != nil {
		return err
	}
	switch {
	case p.raw != nil:
		return readRaw(c, into.FieldByIndex(p.raw))
	case p.body == nil:
		return p.empty(c)
	}
	return p.decode(c, into.FieldByIndex(p.body))
}

// query reads the query parameters. An empty one counts as left out; those that
// the operation does not take, or that come twice, are refused.
func (p *plan) query(c *fiber.Ctx, into reflect.Value) error {
	if len(c.Request().URI().QueryString()) == 0 {
		return nil
	}
	var seen []string
	for key, value := range c.Context().QueryArgs().All() {
		name := string(key)
		if slices.Contains(seen, name) {
			return messages.Invalid(shown(name), "duplicate", "the parameter %q comes twice", shown(name))
		}
		seen = append(seen, name)
		at := slices.IndexFunc(p.params, func(q param) bool { return q.in == "query" && q.name == name })
		if at < 0 {
			return messages.Invalid(shown(name), "unknown_field", "there is no parameter %q", shown(name))
		}
		if len(value) == 0 {
			continue
		}
		q := &p.params[at]
		if err := q.set(into.FieldByIndex(q.index), string(value)); err != nil {
			return err
		}
	}
	return nil
}

// place fills in a part of the path. What cannot be an id is not found; nodes have
// names, and links have tokens.
func (q *param) place(field reflect.Value, text string) error {
	if q.name == "token" {
		field.SetString(text[:min(len(text), 200)]) // a longer one is none either
		return nil
	}
	if q.name != "node" && (q.name != "user_id" || text != "me") {
		if text = strings.ToLower(text); !messages.ValidID(text) {
			return messages.Refuse(messages.CodeNotFound, "there is nothing under this path")
		}
	}
	field.SetString(text)
	return nil
}

func (q *param) set(field reflect.Value, text string) error {
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	switch q.kind {
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return messages.Invalid(q.name, "type", "%s must be a whole number", q.name)
		}
		field.SetInt(n)
		return validateParameter(q.schema, float64(n), q.name)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return messages.Invalid(q.name, "type", "%s must be true or false", q.name)
		}
		field.SetBool(text == "true")
		return nil
	}
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return messages.Invalid(q.name, "format", "%s must be valid text", q.name)
	}
	if q.schema.Format == "uuid" {
		text = strings.ToLower(text)
	}
	field.SetString(text)
	return validateParameter(q.schema, text, q.name)
}

// empty refuses a body where none is taken: {} says nothing and passes.
func (p *plan) empty(c *fiber.Ctx) error {
	body := c.Request().Body()
	if len(body) == 0 || c.Method() == "GET" || c.Method() == "HEAD" {
		return nil
	}
	body, err := jsonBody(c)
	if err != nil {
		return err
	}
	value, err := parse(body)
	if err != nil {
		return err
	}
	return validate(p.registry, &huma.Schema{Type: huma.TypeObject, AdditionalProperties: false}, value)
}

// decode reads and validates the body.
func (p *plan) decode(c *fiber.Ctx, into reflect.Value) error {
	if p.optional && len(c.Request().Body()) == 0 {
		into.SetZero()
		return nil
	}
	body, err := jsonBody(c)
	if err != nil {
		return err
	}
	if p.form != nil && p.form.read(body, into) {
		return nil
	}
	into.SetZero()
	value, err := parse(body)
	if err != nil {
		return err
	}
	if err := validate(p.registry, p.schema, value); err != nil {
		return err
	}
	assign(into, value)
	return nil
}

// octets is the media type of bytes.
const octets = "application/octet-stream"

// readRaw takes the body as it is.
func readRaw(c *fiber.Ctx, into reflect.Value) error {
	if err := uncoded(c); err != nil {
		return err
	}
	kind, _, _ := strings.Cut(strings.ToLower(string(c.Request().Header.ContentType())), ";")
	if strings.TrimSpace(kind) != octets {
		return messages.Refuse(messages.CodeUnsupportedMediaType, "the body must be %s", octets)
	}
	into.SetBytes(bytes.Clone(c.Request().Body())) // it outlives the request's buffer
	return nil
}

// uncoded refuses coded bodies: what they unpack to has no bound.
func uncoded(c *fiber.Ctx) error {
	if coding := c.Request().Header.ContentEncoding(); len(coding) > 0 && !bytes.EqualFold(coding, []byte("identity")) {
		c.Set(fiber.HeaderAcceptEncoding, "identity")
		return messages.Refuse(messages.CodeUnsupportedMediaType, "the body must not be compressed")
	}
	return nil
}

// jsonBody is the body of a request that must have one, of JSON.
func jsonBody(c *fiber.Ctx) ([]byte, error) {
	if err := uncoded(c); err != nil {
		return nil, err
	}
	request := c.Request()
	body := request.Body()
	if len(body) == 0 {
		return nil, messages.Refuse(messages.CodeMalformedJSON, "this needs a JSON body")
	}
	if !isJSON(request.Header.ContentType(), c.Method() == "PATCH") {
		return nil, messages.Refuse(messages.CodeUnsupportedMediaType, "the body must be application/json in UTF-8")
	}
	return body, nil
}

// isJSON reports whether a body of that type is read. A charset other than
// UTF-8 is not JSON's (RFC 8259, 8.1).
func isJSON(header []byte, patch bool) bool {
	if string(header) == fiber.MIMEApplicationJSON {
		return true
	}
	kind, parameters, _ := strings.Cut(strings.ToLower(string(header)), ";")
	if kind = strings.TrimSpace(kind); kind != "application/json" && !(patch && kind == "application/merge-patch+json") {
		return false
	}
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if name == "charset" && strings.Trim(value, `"`) != "utf-8" {
			return false
		}
	}
	return true
}

// settable is a field with a JSON form of its own.
type settable interface{ set(value any) }

// assign puts a validated value into the field made for it.
func assign(field reflect.Value, value any) {
	if own, is := field.Addr().Interface().(settable); is {
		own.set(value)
		return
	}
	switch field.Kind() {
	case reflect.Pointer:
		if value == nil {
			return
		}
		field.Set(reflect.New(field.Type().Elem()))
		assign(field.Elem(), value)
	case reflect.Struct:
		fields, t := value.(map[string]any), field.Type()
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if given, is := fields[name]; is {
				assign(field.Field(i), given)
			}
		}
	case reflect.Slice:
		items := value.([]any)
		field.Set(reflect.MakeSlice(field.Type(), len(items), len(items)))
		for i, item := range items {
			assign(field.Index(i), item)
		}
	case reflect.String:
		field.SetString(value.(string))
	case reflect.Bool:
		field.SetBool(value.(bool))
	case reflect.Int32:
		field.SetInt(int64(value.(float64)))
	default:
		panic("http: bodies have no fields of type " + field.Type().String())
	}
}
