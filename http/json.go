package http

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"atelier/messages"
)

// maxDepth bounds how deep values may be nested.
const maxDepth = 64

// parse reads one JSON value (RFC 8259) and nothing behind it. Beyond the
// grammar it refuses what systems disagree about: keys that come twice, NUL
// characters, halves of surrogate pairs, numbers that no double holds.
func parse(body []byte) (any, error) {
	if !utf8.Valid(body) {
		return nil, messages.Refuse(messages.CodeMalformedJSON, "the body is not UTF-8")
	}
	p := &scanner{body: body}
	p.space()
	value, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(body) {
		return nil, messages.Refuse(messages.CodeMalformedJSON, "there is something behind the JSON value at byte %d", p.at)
	}
	return value, nil
}

type scanner struct {
	body []byte
	at   int
}

func (p *scanner) space() {
	for p.at < len(p.body) {
		switch p.body[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

// peek is the next byte; 0 at the end.
func (p *scanner) peek() byte {
	if p.at < len(p.body) {
		return p.body[p.at]
	}
	return 0
}

func (p *scanner) malformed() error {
	return messages.Refuse(messages.CodeMalformedJSON, "the body is not JSON at byte %d", p.at)
}

func (p *scanner) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, messages.Invalid("", "out_of_range", "values must not be nested deeper than %d", maxDepth)
	}
	switch p.peek() {
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		return p.text()
	case 't':
		return true, p.word("true")
	case 'f':
		return false, p.word("false")
	case 'n':
		return nil, p.word("null")
	default:
		return p.number()
	}
}

func (p *scanner) word(w string) error {
	if !strings.HasPrefix(string(p.body[p.at:min(len(p.body), p.at+len(w))]), w) {
		return p.malformed()
	}
	p.at += len(w)
	return nil
}

func (p *scanner) object(depth int) (any, error) {
	fields := make(map[string]any, 8)
	p.at++
	if p.space(); p.peek() == '}' {
		p.at++
		return fields, nil
	}
	for {
		if p.space(); p.peek() != '"' {
			return nil, p.malformed()
		}
		name, err := p.text()
		if err != nil {
			return nil, err
		}
		if _, twice := fields[name]; twice {
			return nil, messages.Invalid(pointer(name), "duplicate", "%s comes twice", shown(name))
		}
		if p.space(); p.peek() != ':' {
			return nil, p.malformed()
		}
		p.at++
		p.space()
		if fields[name], err = p.value(depth + 1); err != nil {
			return nil, within(name, err)
		}
		more, err := p.more('}')
		if err != nil || !more {
			return fields, err
		}
	}
}

func (p *scanner) array(depth int) (any, error) {
	items := []any{}
	p.at++
	if p.space(); p.peek() == ']' {
		p.at++
		return items, nil
	}
	for {
		p.space()
		item, err := p.value(depth + 1)
		if err != nil {
			return nil, within(strconv.Itoa(len(items)), err)
		}
		items = append(items, item)
		more, err := p.more(']')
		if err != nil || !more {
			return items, err
		}
	}
}

// more passes the comma before the next member, or the end.
func (p *scanner) more(end byte) (bool, error) {
	p.space()
	c := p.peek()
	if c != ',' && c != end {
		return false, p.malformed()
	}
	p.at++
	return c == ',', nil
}

// text reads a string; one without escapes, which most are, without a second look.
func (p *scanner) text() (string, error) {
	start, escaped := p.at, false
	for p.at++; p.at < len(p.body); p.at++ {
		switch c := p.body[p.at]; {
		case c == '"':
			p.at++
			if escaped {
				return p.unescaped(start)
			}
			return string(p.body[start+1 : p.at-1]), nil
		case c == '\\':
			escaped = true
			p.at++
		case c < ' ':
			return "", p.malformed()
		}
	}
	return "", p.malformed()
}

func (p *scanner) unescaped(start int) (string, error) {
	var s string
	if err := json.Unmarshal(p.body[start:p.at], &s); err != nil {
		p.at = start
		return "", p.malformed()
	}
	if strings.ContainsRune(s, utf8.RuneError) && !writesRuneError(p.body[start:p.at]) {
		p.at = start
		return "", p.malformed() // half a surrogate pair is no character
	}
	if strings.ContainsRune(s, 0) {
		return "", messages.Invalid("", "format", "texts must not contain NUL characters")
	}
	return s, nil
}

// writesRuneError reports whether a text holds U+FFFD because it says so.
func writesRuneError(text []byte) bool {
	return bytes.ContainsRune(text, utf8.RuneError) || bytes.Contains(bytes.ToLower(text), []byte(`\ufffd`))
}

func (p *scanner) digits() bool {
	start := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	return p.at > start
}

func (p *scanner) number() (any, error) {
	start := p.at
	if p.peek() == '-' {
		p.at++
	}
	switch zero := p.peek() == '0'; {
	case zero:
		p.at++
	case !p.digits():
		return nil, p.malformed()
	}
	if p.peek() == '.' {
		if p.at++; !p.digits() {
			return nil, p.malformed()
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.at++
		if c := p.peek(); c == '+' || c == '-' {
			p.at++
		}
		if !p.digits() {
			return nil, p.malformed()
		}
	}
	n, err := strconv.ParseFloat(string(p.body[start:p.at]), 64)
	if err != nil || math.IsInf(n, 0) {
		return nil, messages.Invalid("", "out_of_range", "the number is too large")
	}
	return n, nil
}

// pointer is the RFC 6901 pointer of a member.
func pointer(name string) string {
	if strings.ContainsAny(name, "~/") {
		name = strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	}
	return "/" + shown(name)
}

// shown cuts names that callers made up to what is worth repeating.
func shown(name string) string {
	const most = 100
	if len(name) > most {
		return strings.ToValidUTF8(name[:most], "") + "…"
	}
	return name
}

// within moves a refusal's pointers below a member.
func within(name string, err error) error {
	if refusal, ok := err.(*messages.Error); ok {
		for _, f := range refusal.GetFields() {
			f.Pointer = pointer(name) + f.GetPointer()
		}
	}
	return err
}
