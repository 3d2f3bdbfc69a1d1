package http

import (
	"encoding/json"
	"strconv"
	"time"

	"atelier/messages"
)

// jsonWire is how the event channel says things.
type jsonWire struct{}

func (jsonWire) encoding() string { return "json" }

// events are one event, or several in an array.
func (jsonWire) events(project string, all []*messages.EventRecord) []byte {
	size := 2
	for _, e := range all {
		size += len(e.GetData()) + 256
	}
	b := make([]byte, 0, size)
	if len(all) > 1 {
		b = append(b, '[')
	}
	for i, e := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendEvent(b, project, e)
	}
	if len(all) > 1 {
		b = append(b, ']')
	}
	return framed(opText, b)
}

func appendEvent(b []byte, project string, e *messages.EventRecord) []byte {
	b = append(append(append(b, `{"ev":"event","p":"`...), project...), `","s":`...)
	b = strconv.AppendInt(b, e.GetSeq(), 10)
	b = append(append(append(b, `,"t":"`...), e.GetType()...), `","by":"`...)
	b = append(append(append(b, e.GetActorId()...), `","at":"`...), timeText(e.GetOccurredAt())...)
	b = append(b, `","d":`...)
	return append(append(b, e.GetData()...), '}')
}

// told is what the server says by itself, or about a subscription.
type told struct {
	Kind    string           `json:"ev"`
	Project string           `json:"p,omitempty"`
	Seq     *int64           `json:"s,omitempty"`
	From    *int64           `json:"from,omitempty"`
	Role    string           `json:"role,omitempty"`
	Code    string           `json:"code,omitempty"`
	AfterMs *int64           `json:"after_ms,omitempty"`
	Head    map[string]int64 `json:"head,omitempty"`
	presenceChange
	By   string          `json:"by,omitempty"`
	Data json.RawMessage `json:"d,omitempty"`
}

func presentsOf(all []messages.Present) []presentBody {
	list := make([]presentBody, 0, len(all))
	for _, p := range all {
		list = append(list, presentOf(p))
	}
	return list
}

func (t told) framed() []byte {
	b, _ := json.Marshal(t) // of texts, numbers and JSON that was read before
	return framed(opText, b)
}

func (jsonWire) caughtUp(project string, seq int64) []byte {
	return told{Kind: "caught_up", Project: project, Seq: &seq}.framed()
}

func (jsonWire) signal(text []byte) []byte { return framed(opText, text) }

func (jsonWire) presence(c *messages.PresenceChange) []byte {
	return told{Kind: "presence", Project: c.Topic.ID, presenceChange: presenceOf(c)}.framed()
}

// presenceChange is who is in a project, or what has changed about that.
type presenceChange struct {
	Full   *[]presentBody `json:"full,omitempty"`
	Join   []presentBody  `json:"join,omitempty"`
	Update []presentBody  `json:"upd,omitempty"`
	Leave  []string       `json:"leave,omitempty"`
}

func presenceOf(c *messages.PresenceChange) presenceChange {
	if c.Whole {
		all := presentsOf(c.All)
		return presenceChange{Full: &all}
	}
	return presenceChange{Join: presentsOf(c.Join), Update: presentsOf(c.Update), Leave: c.Leave}
}

func (jsonWire) role(project, role string) []byte {
	return told{Kind: "role", Project: project, Role: role}.framed()
}

func (jsonWire) revoked(project, code string) []byte {
	return told{Kind: "revoked", Project: project, Code: code}.framed()
}

func (jsonWire) ended(code string) []byte { return told{Kind: "revoked", Code: code}.framed() }

func (jsonWire) lagged(project string, from int64) []byte {
	return told{Kind: "lagged", Project: project, From: &from}.framed()
}

func (jsonWire) move(after time.Duration) []byte {
	ms := after.Milliseconds()
	return told{Kind: "move", AfterMs: &ms}.framed()
}

func (jsonWire) heartbeat(heads map[string]int64) []byte {
	return told{Kind: "heartbeat", Head: heads}.framed()
}
