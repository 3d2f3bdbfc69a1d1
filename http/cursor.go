package http

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"

	"github.com/gofiber/fiber/v2"
	"google.golang.org/protobuf/proto"

	"atelier/messages"
)

const cursorMAC = 16 // bytes of the truncated HMAC-SHA256

// list is the part of an input that pages.
type list struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" doc:"Items on a page; 20 by default."`
	Cursor string `query:"cursor" doc:"next_cursor of the page before."`
}

func (l *list) limit() int32 {
	if l.Limit == 0 {
		return 20
	}
	return int32(l.Limit)
}

// after reads the cursor of a list request; nil for the first page. A cursor is
// good for the query and the caller that it was made for.
func (s *Server) after(c *call, l *list) (*messages.PageKey, error) {
	if l.Cursor == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(l.Cursor)
	if err != nil || len(raw) < cursorMAC {
		return nil, badCursor()
	}
	body := raw[:len(raw)-cursorMAC]
	if !hmac.Equal(raw[len(body):], s.cursorMAC(c, body)) {
		return nil, badCursor()
	}
	key := &messages.PageKey{}
	if err := proto.Unmarshal(body, key); err != nil {
		return nil, badCursor()
	}
	return key, nil
}

func badCursor() error {
	return messages.Refuse(messages.CodeInvalidCursor, "the cursor was not made for this list, or not by this service")
}

// next is the cursor of a page's end; nil where there is nothing behind it.
func (s *Server) next(c *call, key *messages.PageKey) *string {
	if key == nil {
		return nil
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(key)
	if err != nil {
		return nil
	}
	text := base64.RawURLEncoding.EncodeToString(append(body, s.cursorMAC(c, body)...))
	return &text
}

func (s *Server) cursorMAC(c *call, body []byte) []byte {
	mac := hmac.New(sha256.New, s.config.CursorKey)
	parts := append([]string{c.op.ID, c.userID(), c.fiber.Path()}, filters(c.fiber)...)
	mac.Write(binary.AppendUvarint(nil, uint64(len(parts))))
	for _, part := range parts {
		mac.Write(binary.AppendUvarint(nil, uint64(len(part))))
		mac.Write([]byte(part))
	}
	mac.Write(body)
	return mac.Sum(nil)[:cursorMAC]
}

// filters are the query parameters that choose and order: all but the page.
func filters(c *fiber.Ctx) (list []string) {
	for key, value := range c.Context().QueryArgs().All() {
		if name := string(key); name != "limit" && name != "cursor" && len(value) > 0 {
			list = append(list, name+"="+string(value))
		}
	}
	slices.Sort(list)
	return list
}
