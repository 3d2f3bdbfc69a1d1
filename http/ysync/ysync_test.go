package ysync

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMessagesAreRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bytes    []byte
		envelope bool
		want     Message
		document string
	}{
		"step 1":                  {bytes: []byte{0, 0, 1, 0}, want: Message{Kind: Sync, Step: Step1, Payload: []byte{0}}},
		"step 2":                  {bytes: []byte{0, 1, 2, 0, 0}, want: Message{Kind: Sync, Step: Step2, Payload: []byte{0, 0}}},
		"update":                  {bytes: []byte{0, 2, 2, 0, 0}, want: Message{Kind: Sync, Step: Update, Payload: []byte{0, 0}}},
		"awareness":               {bytes: []byte{1, 1, 0}, want: Message{Kind: Awareness, Payload: []byte{0}}},
		"query":                   {bytes: []byte{3}, want: Message{Kind: QueryAwareness}},
		"enveloped":               {envelope: true, bytes: []byte("\x03doc\x00\x02\x02\x00\x00"), want: Message{Key: "doc", Kind: Sync, Step: Update, Payload: []byte{0, 0}}, document: "doc"},
		"of a session":            {envelope: true, bytes: []byte("\x05doc\x00s\x04\x00\x01\x00"), want: Message{Key: "doc\x00s", Kind: SyncReply, Step: Step1, Payload: []byte{0}}, document: "doc"},
		"a token":                 {envelope: true, bytes: []byte("\x01d\x02\x00\x02ab"), want: Message{Key: "d", Kind: Auth, Token: "ab"}, document: "d"},
		"a token, and a version":  {envelope: true, bytes: []byte("\x01d\x02\x00\x02ab\x054.8.0"), want: Message{Key: "d", Kind: Auth, Token: "ab"}, document: "d"},
		"a ping":                  {envelope: true, bytes: []byte("\x00\x09"), want: Message{Kind: Ping}},
		"a ping of the socket":    {envelope: true, bytes: []byte("\x09"), want: Message{Kind: Ping, bare: true}},
		"a pong of the socket":    {envelope: true, bytes: []byte("\x0a"), want: Message{Kind: Pong, bare: true}},
		"the end of a document":   {envelope: true, bytes: []byte("\x01d\x07\x02ok"), want: Message{Key: "d", Kind: Close}, document: "d"},
		"what nobody asked about": {envelope: true, bytes: []byte("\x01d\x05\x02ok"), want: Message{Key: "d", Kind: Stateless}, document: "d"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parse := Parse
			if c.envelope {
				parse = ParseEnvelope
			}
			got, err := parse(c.bytes)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
			require.Equal(t, c.document, got.Document())
			for cut := range len(c.bytes) {
				_, _ = parse(c.bytes[:cut]) // does not panic
			}
		})
	}
}

func TestWhatIsNoMessageIsRefused(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]string{
		"nothing": "", "no step": "\x00", "an unknown kind": "\x0b", "an unknown step": "\x00\x03\x00", "no length": "\x00\x02", "a length of more than there is": "\x01\x05ab",
		"a number that never ends": strings.Repeat("\xff", 12), "a number beyond JavaScript's": "\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "a client that decides": "\x02\x02\x0aread-write",
		"a token that is not UTF-8": "\x02\x00\x01\xff",
	} {
		_, err := Parse([]byte(b))
		require.ErrorIs(t, err, ErrMalformed, name)
	}
	_, err := ParseEnvelope(append([]byte{0x81, 4}, bytes.Repeat([]byte{'k'}, 513)...))
	require.ErrorIs(t, err, ErrLimit)
	_, err = Parse(appendBytes([]byte{2, 0}, strings.Repeat("t", maxToken+1)))
	require.ErrorIs(t, err, ErrLimit)
}

func TestWhatIsWritten(t *testing.T) {
	t.Parallel()
	plain, doc := Plain(), Enveloped("doc")
	for want, got := range map[string][]byte{
		"\x00\x00\x01\x00": plain.Step1([]byte{0}), "\x00\x01\x02\x00\x00": plain.Step2([]byte{0, 0}), "\x00\x02\x02\x00\x00": plain.Update([]byte{0, 0}),
		"\x01\x01\x00": plain.Awareness([]byte{0}), "\x02\x00\x02no": plain.Denied("no"),
		"\x03doc\x00\x00\x01\x00": doc.Step1([]byte{0}), "\x03doc\x00\x02\x02\x00\x00": doc.Update([]byte{0, 0}), "\x03doc\x01\x01\x00": doc.Awareness([]byte{0}),
		"\x03doc\x02\x01\x02no": doc.Denied("no"), "\x03doc\x02\x02\x08readonly": doc.Granted(ReadOnly), "\x03doc\x02\x00": doc.AskToken(),
		"\x03doc\x08\x01": doc.Saved(true), "\x03doc\x08\x00": doc.Saved(false), "\x03doc\x07\x02no": doc.Closed("no"), "\x01d\x0a": (&Message{Key: "d"}).Pong(), "\x0a": (&Message{bare: true}).Pong(),
	} {
		require.Equal(t, want, string(got))
	}
	require.Equal(t, Enveloped("a").Name(), Enveloped("a").Name())
	require.NotEqual(t, Enveloped("a").Name(), Enveloped("b").Name())
	require.NotEqual(t, Plain().Name(), Enveloped("y-websocket").Name())
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"\x00\x00\x01\x00", "\x03doc\x00\x02\x02\x00\x00", "\x01d\x02\x00\x02ab\x054.8.0", "\x01\x0e\x01\x07\x05\x0a{\"a\":true}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range []func([]byte) (Message, error){Parse, ParseEnvelope} {
			m, err := parse(b)
			if err == nil && len(m.Key)+len(m.Payload)+len(m.Token) > len(b) {
				t.Fatal("there is more in it than was sent")
			}
			if err != nil || m.Kind != Awareness {
				continue
			}
			p, from := NewPresent(), &Speaker{UserID: "u", Name: "Ada"}
			_ = p.Hear(from, m.Payload, start)
			_ = p.HearNode(Node{1}, m.Payload, start)
			all, _ := p.Changed()
			size := 0
			for _, one := range all {
				size += len(one.JSON)
			}
			if len(from.clients) > maxClients || len(all) > len(b) || size > 32*(len(b)+64) {
				t.Fatalf("%d bytes became %d states of %d bytes", len(b), len(all), size)
			}
			p.Leave(from, start)
		}
	})
}
