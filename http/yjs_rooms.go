package http

import (
	"context"
	"crypto/rand"
	"sync"

	"atelier/http/ysync"
	"atelier/messages"
)

// yjsRooms are the documents that somebody has open on this node.
type yjsRooms struct {
	live liveHub
	docs documents
	node ysync.Node // of this process

	mu    sync.Mutex // of the map and the rooms' users
	rooms map[string]*yjsRoom
}

func newYjsRooms(l liveHub, d documents) *yjsRooms {
	r := &yjsRooms{live: l, docs: d, rooms: make(map[string]*yjsRoom)}
	_, _ = rand.Read(r.node[:]) // does not fail
	return r
}

// join brings a member into the room of its document. The first one has the room
// watch the document.
func (r *yjsRooms) join(ctx context.Context, m *yjsMember) error {
	for {
		room, first := r.enter(m.document)
		if first {
			room.open(ctx)
		}
		select {
		case <-room.opened:
		case <-ctx.Done():
			r.exit(room)
			return messages.Refuse(messages.CodeTimeout, "the request was not answered in time")
		}
		if room.failed == nil {
			m.room = room
			room.add(m)
			return nil
		}
		r.exit(room)
		if first { // others try for themselves: their time is another
			return room.failed
		}
	}
}

// enter counts a user of a document's room.
func (r *yjsRooms) enter(document string) (room *yjsRoom, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	room = r.rooms[document]
	if room == nil {
		room, first = newYjsRoom(r, document), true
		r.rooms[document] = room
	}
	room.users++
	return room, first
}

// leave takes a member out of its room, which ends with the last one.
func (r *yjsRooms) leave(m *yjsMember) {
	m.room.remove(m)
	r.exit(m.room)
}

func (r *yjsRooms) exit(room *yjsRoom) {
	r.mu.Lock()
	room.users--
	last := room.users == 0
	if (last || room.hasFailed()) && r.rooms[room.document] == room {
		delete(r.rooms, room.document)
	}
	r.mu.Unlock()
	if last {
		room.close()
	}
}

// hasFailed reports whether the watch could not begin.
func (r *yjsRoom) hasFailed() bool {
	select {
	case <-r.opened:
		return r.failed != nil
	default:
		return false
	}
}
