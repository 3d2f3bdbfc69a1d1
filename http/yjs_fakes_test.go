package http

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"atelier/http/ysync"
	"atelier/messages"
)

// The rooms of a node over a document and a hub that do what a test says. What they do
// with real ones and real providers is shown in test/yjs.

const someDocument = "0190a000-0000-7000-8000-000000000005"

// fakeDocument is a document. What writes or reads waits for a permit, where there is
// a channel for them.
type fakeDocument struct {
	documents

	mu       sync.Mutex
	role     bool // it may be written
	number   int64
	appended [][][]byte
	refuse   func(update []byte) error
	read     func(vector []byte) (position int64)
	permits  chan struct{}
	waiting  atomic.Int32 // for one
	asked    atomic.Int32 // to append
	vectors  [][]byte
	looked   int // for what an update adds
}

func (d *fakeDocument) GetGrant(_ context.Context, c *messages.GetGrant) (*messages.Grant, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.number++
	return &messages.Grant{ProjectId: someProject, DocumentId: c.GetDocumentId(), UserId: c.GetMeta().GetPrincipal(), Number: d.number, Write: d.role}, nil
}

func (d *fakeDocument) AppendUpdates(_ context.Context, _ *messages.AppendUpdate, updates [][]byte) error {
	d.asked.Add(1)
	if d.permits != nil {
		d.waiting.Add(1)
		<-d.permits
		d.waiting.Add(-1)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refuse != nil {
		for _, u := range updates {
			if err := d.refuse(u); err != nil {
				return err
			}
		}
	}
	d.appended = append(d.appended, updates)
	return nil
}

func (d *fakeDocument) Adds(_ context.Context, _ string, update []byte) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looked++
	return !slices.Equal(update, []byte{0, 0}), nil
}

func (d *fakeDocument) ReadMissing(_ context.Context, _ string, vector []byte) (update, has []byte, position int64, err error) {
	d.mu.Lock()
	d.vectors = append(d.vectors, vector)
	read := d.read
	d.mu.Unlock()
	if read != nil {
		position = read(vector)
	}
	return []byte{byte(position), 'c'}, []byte{1, 7, byte(position)}, position, nil
}

func (d *fakeDocument) waits() int { return int(d.waiting.Load()) }

func (d *fakeDocument) written() [][][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.appended)
}

// fakeHub has what watches.
type fakeHub struct {
	liveHub

	mu       sync.Mutex
	watchers []messages.Watcher
	said     int                    // signals
	watched  func(messages.Watcher) // before the watch is known to whoever asked for it
	stopped  []int                  // watches
}

func (h *fakeHub) Watch(_ context.Context, _ messages.Topic, w messages.Watcher) (int64, func(), error) {
	h.mu.Lock()
	n, watched := len(h.watchers), h.watched
	h.watchers, h.watched = append(h.watchers, w), nil
	h.mu.Unlock()
	if watched != nil {
		watched(w)
	}
	return 0, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.stopped = append(h.stopped, n)
	}, nil
}

func (h *fakeHub) Signal(messages.Topic, []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said++
}

func (h *fakeHub) did() (said int, stopped []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.said, slices.Clone(h.stopped)
}

func (h *fakeHub) watcher(i int) messages.Watcher {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i < len(h.watchers) {
		return h.watchers[i]
	}
	return nil
}

func (h *fakeHub) commit(seqs ...int64) {
	b := &messages.Batch{Topic: messages.Topic{Kind: messages.TopicDocument, ID: someDocument}}
	for _, seq := range seqs {
		b.Events = append(b.Events, &messages.EventRecord{Seq: seq, Data: []byte{byte(seq), 'u'}})
	}
	h.mu.Lock()
	last := h.watchers[len(h.watchers)-1]
	h.mu.Unlock()
	last.Committed(b)
}

type fakeDocumentQueries struct{ fakeQueries }

func (fakeDocumentQueries) DocumentProject(_ context.Context, id string) (string, error) {
	if id == someDocument {
		return someProject, nil
	}
	return "", nil
}

// yjsHost is the edge with a document.
type yjsHost struct {
	*socketHost
	document *fakeDocument
	hub      *fakeHub
}

func hostDocument(t *testing.T) *yjsHost {
	t.Helper()
	h := &yjsHost{document: &fakeDocument{role: true}, hub: &fakeHub{}}
	h.socketHost = hostSockets(t, yjsLimits, nil)
	h.deps.Documents, h.deps.Live, h.deps.Queries = h.document, h.hub, fakeDocumentQueries{}
	h.yjs = newYjsRooms(h.hub, h.document)
	return h
}

// wired is a client that speaks a protocol by hand.
type wired struct {
	t *testing.T
	c *websocket.Conn
}

func (h *yjsHost) open(t *testing.T, path string) *wired {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), "ws://"+h.address+base+path, &websocket.DialOptions{Subprotocols: []string{tokenProtocol + goodToken}}) //nolint:bodyclose // of a handshake there is none
	require.NoError(t, err)
	require.Equal(t, tokenProtocol+goodToken, c.Subprotocol())
	t.Cleanup(func() { _ = c.CloseNow() })
	return &wired{t, c}
}

func (w *wired) send(b []byte) {
	w.t.Helper()
	require.NoError(w.t, w.c.Write(w.t.Context(), websocket.MessageBinary, b))
}

func (w *wired) next() string {
	w.t.Helper()
	_, b, err := w.c.Read(w.t.Context())
	require.NoError(w.t, err)
	return string(b)
}

func (w *wired) closed() int {
	w.t.Helper()
	for {
		if _, _, err := w.c.Read(w.t.Context()); err != nil {
			return int(websocket.CloseStatus(err))
		}
	}
}

// synced asks for the content and takes it.
func (w *wired) synced(x ysync.Wire, position byte) {
	w.t.Helper()
	w.send(x.Step1([]byte{0}))
	require.Equal(w.t, string(x.Step2([]byte{position, 'c'})), w.next())
	require.Equal(w.t, string(x.Step1([]byte{1, 7, position})), w.next())
}

// auth is the message that begins a document of Hocuspocus.
func auth(key, token string) []byte {
	b := append(binary.AppendUvarint(nil, uint64(len(key))), key...)
	b = append(b, byte(ysync.Auth), 0)
	return append(binary.AppendUvarint(b, uint64(len(token))), token...)
}

// beatAll has all sockets say what they say by themselves.
func (h *yjsHost) beatAll() {
	for slot := range slots {
		for _, s := range h.sockets.inSlot(slot) {
			if by := s.spokenFor(); by != nil {
				by.beat()
			}
		}
	}
}
