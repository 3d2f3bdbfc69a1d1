package http

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"atelier/messages"
)

// maxFaults bounds how many failing fields a refusal lists.
const maxFaults = 20

// check holds a value against its schema, the very one that the OpenAPI document
// shows, and reports every failing field.
type check struct {
	registry huma.Registry
	path     []string
	faults   []*messages.FieldError
}

// validate refuses a body that does not have the documented form.
func validate(r huma.Registry, schema *huma.Schema, value any) error {
	c := check{registry: r}
	c.value(schema, value)
	return c.refusal()
}

// validateParameter is validate for a parameter, which is named and not pointed at.
func validateParameter(schema *huma.Schema, value any, name string) error {
	c := check{path: []string{name}}
	c.value(schema, value)
	for _, f := range c.faults {
		f.Pointer = name
	}
	return c.refusal()
}

func (c *check) refusal() error {
	if len(c.faults) == 0 {
		return nil
	}
	// Objects are walked in random order; the same request gets the same reply.
	slices.SortFunc(c.faults, func(a, b *messages.FieldError) int { return strings.Compare(a.GetPointer(), b.GetPointer()) })
	return &messages.Error{Code: messages.CodeValidationFailed, Message: c.faults[0].GetMessage(), Fields: c.faults}
}

func (c *check) fault(code, format string, args ...any) {
	if len(c.faults) == maxFaults {
		return
	}
	at, name := "", "the body"
	for _, member := range c.path {
		at += pointer(member)
		name = shown(member)
	}
	c.faults = append(c.faults, &messages.FieldError{Pointer: at, Code: code, Message: name + " " + fmt.Sprintf(format, args...)})
}

func (c *check) value(schema *huma.Schema, value any) {
	if schema.Ref != "" {
		schema = c.registry.SchemaFromRef(schema.Ref)
	}
	if value == nil {
		if !schema.Nullable {
			c.fault("type", "must not be null")
		}
		return
	}
	switch schema.Type {
	case huma.TypeObject:
		c.object(schema, value)
	case huma.TypeArray:
		c.list(schema, value)
	case huma.TypeString:
		c.text(schema, value)
	case huma.TypeInteger, huma.TypeNumber:
		c.number(schema, value)
	case huma.TypeBoolean:
		if _, is := value.(bool); !is {
			c.fault("type", "must be true or false")
		}
	}
}

func (c *check) object(schema *huma.Schema, value any) {
	fields, is := value.(map[string]any)
	if !is {
		c.fault("type", "must be an object")
		return
	}
	depth := len(c.path)
	c.path = append(c.path, "")
	for _, name := range schema.Required {
		if _, given := fields[name]; !given {
			c.path[depth] = name
			c.fault("required", "is required")
		}
	}
	for name, field := range fields {
		c.path[depth] = name
		if property := schema.Properties[name]; property != nil {
			c.value(property, field)
		} else if schema.AdditionalProperties == false {
			c.fault("unknown_field", "is not a field that is taken here")
		}
	}
	c.path = c.path[:depth]
}

func (c *check) list(schema *huma.Schema, value any) {
	items, is := value.([]any)
	if !is {
		c.fault("type", "must be a list")
		return
	}
	if schema.MaxItems != nil && len(items) > *schema.MaxItems {
		c.fault("out_of_range", "must have at most %d items", *schema.MaxItems)
		return
	}
	depth := len(c.path)
	c.path = append(c.path, "")
	for i, item := range items {
		c.path[depth] = strconv.Itoa(i)
		c.value(schema.Items, item)
	}
	c.path = c.path[:depth]
}

func (c *check) text(schema *huma.Schema, value any) {
	text, is := value.(string)
	if !is {
		c.fault("type", "must be a text")
		return
	}
	length := utf8.RuneCountInString(text)
	switch {
	case schema.MinLength != nil && length < *schema.MinLength:
		c.fault("out_of_range", "must have at least %d characters", *schema.MinLength)
	case schema.MaxLength != nil && length > *schema.MaxLength:
		c.fault("out_of_range", "must have at most %d characters", *schema.MaxLength)
	case len(schema.Enum) > 0 && !slices.Contains(schema.Enum, value):
		c.fault("not_allowed", "must be one of %s", strings.Trim(fmt.Sprint(schema.Enum), "[]"))
	case schema.Format == "uuid" && !messages.ValidID(strings.ToLower(text)):
		c.fault("format", "must be a UUID")
	}
}

func (c *check) number(schema *huma.Schema, value any) {
	n, is := value.(float64)
	if !is || schema.Type == huma.TypeInteger && n != math.Trunc(n) {
		c.fault("type", "must be a %s", map[bool]string{true: "whole number", false: "number"}[schema.Type == huma.TypeInteger])
		return
	}
	if schema.Minimum != nil && n < *schema.Minimum || schema.Maximum != nil && n > *schema.Maximum {
		c.fault("out_of_range", "must be %s", between(schema))
	}
}

func between(schema *huma.Schema) string {
	switch {
	case schema.Minimum == nil:
		return fmt.Sprintf("at most %.0f", *schema.Maximum)
	case schema.Maximum == nil:
		return fmt.Sprintf("at least %.0f", *schema.Minimum)
	default:
		return fmt.Sprintf("%.0f to %.0f", *schema.Minimum, *schema.Maximum)
	}
}
