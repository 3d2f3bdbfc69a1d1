package http

import (
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"atelier/messages"
)

// maxDepth bounds how deep values may be nested.
const maxDepth = 64

// parse reads one JSON value and nothing behind it, as strictly as I-JSON asks
// (RFC 7493): keys that come twice, halves of surrogate pairs and numbers that
// no double holds are refused, since systems disagree about them; so are NUL
// characters and values that are nested too deep.
func parse(body []byte) (any, error) {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return nil, unreadable(err)
	}
	if at, fault := forbidden(value, 0); fault != "" {
		return nil, messages.Invalid(at, "format", "%s", fault)
	}
	return value, nil
}

// unreadable words the parser's error for the caller.
func unreadable(err error) error {
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &syntax) && errors.Is(err, jsontext.ErrDuplicateName):
		at := shown(string(syntax.JSONPointer))
		return messages.Invalid(at, "duplicate", "%s comes twice", strings.TrimPrefix(at, "/"))
	case errors.As(err, &syntax):
		return messages.Refuse(messages.CodeMalformedJSON, "the body is not JSON at byte %d", syntax.ByteOffset)
	case errors.As(err, &semantic):
		return messages.Invalid(shown(string(semantic.JSONPointer)), "out_of_range", "the number is too large")
	}
	return messages.Refuse(messages.CodeMalformedJSON, "the body is not JSON")
}

// forbidden finds what is JSON and yet not taken, and says where.
func forbidden(value any, depth int) (at, fault string) {
	if depth > maxDepth {
		return "", "values must not be nested deeper than " + strconv.Itoa(maxDepth)
	}
	switch v := value.(type) {
	case string:
		if strings.IndexByte(v, 0) >= 0 {
			return "", "texts must not contain NUL characters"
		}
	case map[string]any:
		for name, member := range v {
			if strings.IndexByte(name, 0) >= 0 {
				return "", "names must not contain NUL characters"
			}
			if at, fault = forbidden(member, depth+1); fault != "" {
				return pointer(name) + at, fault
			}
		}
	case []any:
		for i, item := range v {
			if at, fault = forbidden(item, depth+1); fault != "" {
				return "/" + strconv.Itoa(i) + at, fault
			}
		}
	}
	return "", ""
}

// pointer is the RFC 6901 pointer of a member.
func pointer(name string) string {
	if strings.ContainsAny(name, "~/") {
		name = strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	}
	return "/" + shown(name)
}

// shown cuts what callers made up to what is worth repeating.
func shown(text string) string {
	const most = 100
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
