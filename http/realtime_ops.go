package http

import (
	"bytes"
	"context"
	"crypto/sha256"
	stdjson "encoding/json"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"atelier/messages"
)

// asked is a message of a client. Each op has some of the fields.
type asked struct {
	ID      jsontext.Value `json:"id"`
	Op      string         `json:"op"`
	Client  string         `json:"client"`
	Token   string         `json:"token"`
	Project string         `json:"project"` // of sub
	Since   *since         `json:"since"`
	P       string         `json:"p"` // of all others
	Key     string         `json:"key"`
	Type    string         `json:"type"`
	Set     jsontext.Value `json:"set"`
	D       jsontext.Value `json:"d"`
}

type since struct {
	Log string `json:"log"`
	Seq int64  `json:"seq"`
}

// heard handles a frame: a message, or an array of them. It reports false where the
// channel ends.
func (ch *channel) heard(text []byte) bool {
	raw := []jsontext.Value{text}
	if text = bytes.TrimLeft(text, " \t\r\n"); len(text) > 0 && text[0] == '[' {
		raw = nil
		if err := json.Unmarshal(text, &raw); err != nil || len(raw) > maxMessages {
			ch.socket.close(closeBadFrame, "a frame is a JSON object, or an array of at most 100")
			return false
		}
	}
	for _, one := range raw {
		var m asked
		if err := json.Unmarshal(one, &m, json.RejectUnknownMembers(true)); err != nil || len(m.ID) > 64 || len(m.ID) > 0 && m.ID.Kind() != '0' && m.ID.Kind() != '"' {
			ch.socket.close(closeBadFrame, "a message is not what it should be")
			return false
		}
		m.Project, m.P = strings.ToLower(m.Project), strings.ToLower(m.P) // as in paths
		if !ch.handle(&m) {
			return false
		}
	}
	return true
}

// handle carries a message out. It reports false where the channel ends.
func (ch *channel) handle(m *asked) bool {
	if !ch.rate.take(time.Now()) {
		if !ch.abuse.take(time.Now()) {
			ch.socket.cut(closeAbuse, messages.CodeRateLimited, nil)
			return false
		}
		ch.refuse(m, messages.Refuse(messages.CodeRateLimited, "a socket may send %d messages a second", messageRate))
		return true
	}
	if !ch.socket.pass() { // each one: what came before it takes time
		return false
	}
	if !ch.greeted && m.Op != "hello" {
		ch.socket.close(closeBadFrame, "the first message is hello")
		return false
	}
	ctx, cancel := within(defaultWait)
	defer cancel()
	answer, err := ch.carryOut(ctx, m)
	switch {
	case err != nil && !ch.greeted:
		ch.socket.cut(closeCodeOf(err), messages.CodeOf(err), nil)
		return false
	case err != nil:
		ch.refuse(m, err)
	case answer != nil:
		ch.reply(m, answer)
	}
	return true
}

// carryOut is the one list of ops. An answer of nil was given already, or is none.
func (ch *channel) carryOut(ctx context.Context, m *asked) (answer any, err error) {
	switch m.Op {
	case "hello":
		return ch.hello(ctx, m)
	case "token":
		return ch.token(ctx, m)
	case "sub":
		return nil, ch.sub(ctx, m)
	case "unsub":
		return ch.unsub(m)
	case "presence":
		return ch.presence(ctx, m)
	case "broadcast":
		return ch.broadcast(m)
	case "cmd":
		return ch.command(ctx, m)
	case "ping":
		ch.sayHeads(pong)
		return nil, nil
	}
	return nil, messages.Invalid("/op", "enum", "op is hello, token, sub, unsub, presence, broadcast, cmd or ping")
}

func pong(heads map[string]int64) []byte {
	b, _ := stdjson.Marshal(struct {
		Op   string           `json:"op"`
		Head map[string]int64 `json:"head"`
	}{"pong", heads})
	return framed(opText, b)
}

// reply answers a message that has an id.
func (ch *channel) reply(m *asked, answer any) {
	if len(m.ID) == 0 {
		return
	}
	b, _ := stdjson.Marshal(answer) // an object with one member
	ch.say(replied(m.ID, b))
}

// replied puts the id in front of an answer's member.
func replied(id jsontext.Value, answer []byte) []byte {
	b := append(make([]byte, 0, len(answer)+len(id)+8), `{"re":`...)
	b = append(append(b, id...), ',')
	return framed(opText, append(b, answer[1:]...))
}

// refuse answers a message with a problem, with an id or without.
func (ch *channel) refuse(m *asked, err error) {
	s := ch.server
	refused := s.refusal(err, ch.requestID)
	ch.say(ch.refusal(m.ID, refused))
	ctx, cancel := within(defaultWait)
	defer cancel()
	s.noteRefusal(ctx, refusalNote{code: refused.GetCode(), actor: ch.party().userID(), action: "realtime." + shownOp(m), target: "projects/" + m.P, ip: ch.ip, requestID: ch.requestID})
}

// refusal is a problem as an answer.
func (ch *channel) refusal(id jsontext.Value, refused *messages.Error) []byte {
	body := struct {
		Re  jsontext.Value `json:"re,omitempty"`
		Err problemBody    `json:"err"`
	}{id, ch.server.problemOf(refused, ch.requestID, base+"/realtime")}
	if len(id) == 0 {
		body.Re = nil
	}
	b, _ := json.Marshal(body)
	return framed(opText, b)
}

// shownOp is what an audit says was asked for.
func shownOp(m *asked) string {
	if m.Op == "cmd" {
		return shown(m.Type)
	}
	return shown(m.Op)
}

type helloBody struct {
	Hello struct {
		Session string     `json:"session"`
		User    helloUser  `json:"user"`
		Expires *string    `json:"exp"` // null: as long as the session
		PingS   int        `json:"ping_s"`
		Limits  limitsBody `json:"limits"`
	} `json:"hello"`
}

type helloUser struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type limitsBody struct {
	Frame     int `json:"frame"`
	Rate      int `json:"rate"`
	Burst     int `json:"burst"`
	Subs      int `json:"subs"`
	Presence  int `json:"presence"`
	Broadcast int `json:"broadcast"`
}

// hello lets the client in: by what came with the handshake, or by a token.
func (ch *channel) hello(ctx context.Context, m *asked) (any, error) {
	if ch.greeted {
		return nil, messages.Refuse(messages.CodeInvalidState, "hello was said before: a new token comes with token")
	}
	if m.Token != "" {
		if err := ch.become(ctx, m.Token); err != nil {
			return nil, err
		}
	}
	p := ch.party()
	if p == nil {
		return nil, messages.Refuse(messages.CodeUnauthenticated, "hello needs a token where the handshake had none")
	}
	account, err := ch.server.deps.Accounts.GetAccount(ctx, &messages.GetAccount{Meta: ch.meta(), UserId: p.UserID})
	if err != nil {
		return nil, err
	}
	ch.mu.Lock()
	ch.name = account.GetName()
	ch.mu.Unlock()
	ch.greeted = true
	var b helloBody
	b.Hello.Session, b.Hello.User, b.Hello.Expires, b.Hello.PingS = p.SessionID, helloUser{account.GetId(), account.GetName()}, p.expires(), int(pingEvery/time.Second)
	b.Hello.Limits = limitsBody{Frame: maxFrame, Rate: messageRate, Burst: messageBurst, Subs: maxSubs, Presence: maxPresence, Broadcast: maxBroadcast}
	return &b, nil
}

// become takes a token's party, who must be the one that there is, if there is one.
func (ch *channel) become(ctx context.Context, token string) error {
	p, err := ch.server.byToken(ctx, token)
	if err != nil {
		return err
	}
	if now := ch.party(); now != nil && now.UserID != p.UserID {
		return messages.Refuse(messages.CodeForbidden, "the token is another user's")
	}
	return ch.seat(ctx, p)
}

type okBody struct {
	OK any `json:"ok"`
}

type expiresBody struct {
	Expires *string `json:"exp"`
}

// token goes on with a new token.
func (ch *channel) token(ctx context.Context, m *asked) (any, error) {
	if err := ch.become(ctx, m.Token); err != nil {
		return nil, err
	}
	return okBody{expiresBody{ch.party().expires()}}, nil
}

// expires is when the party needs another token, as text; nil: never, while its session
// lasts.
func (p *party) expires() *string {
	if p.until.Equal(p.Ends) {
		return nil
	}
	text := messages.FormatTime(p.until)
	return &text
}

// digest tells commands apart that use one key.
func (m *asked) digest() []byte {
	h := sha256.New()
	d := m.D.Clone()
	_ = d.Canonicalize()
	h.Write([]byte("cmd " + m.Type + " " + m.P + "\n"))
	h.Write(d)
	return h.Sum(nil)
}
