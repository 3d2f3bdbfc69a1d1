package messages

import (
	"encoding/json"
	"strconv"
)

// AppendText renders a string as encoding/json does; plain ASCII, which most are,
// without a copy.
func AppendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(s) // strings always marshal
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// object renders a JSON object member by member, for what is rendered with each
// command: reflection over the generated types takes ten times as long.
type object []byte

func newObject() object { return append(make(object, 0, 192), '{') }

// name begins a member.
func (o object) name(name string) object {
	if len(o) > 1 {
		o = append(o, ',')
	}
	o = append(o, '"')
	o = append(o, name...)
	return append(o, `":`...)
}

// text adds a member that is left out when it is empty, as the generated types have it.
func (o object) text(name, value string) object {
	if value == "" {
		return o
	}
	return AppendText(o.name(name), value)
}

// texts is text for a list.
func (o object) texts(name string, values []string) object {
	if len(values) == 0 {
		return o
	}
	o = o.name(name)
	for i, value := range values {
		o = AppendText(append(o, "[,"[min(i, 1)]), value)
	}
	return append(o, ']')
}

// flag adds a member that is left out when it is nil.
func (o object) flag(name string, value *bool) object {
	if value == nil {
		return o
	}
	return strconv.AppendBool(o.name(name), *value)
}

func (o object) end() []byte { return append(o, '}') }
