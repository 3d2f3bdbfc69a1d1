import * as decoding from 'lib0/decoding'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { fresh } from '../credentials'
import { Listeners } from '../listeners'
import { Unsaved } from './saved'

// State of a document on this page, as the badge shows it.
export type State = 'opening' | 'saved' | 'saving' | 'offline' | 'refused'

// Editing is somebody who has the document open.
export interface Editing { user_id: string; name: string }

export interface Room {
  doc: Y.Doc
  text: Y.Text
  provider: WebsocketProvider
  state: State
  unsaved: boolean
  reason?: string // of a refusal
  others: Editing[] // everybody but this page
  onChange(f: () => void): () => void
  destroy(): void
}

const syncMessage = 0, authMessage = 2

// join connects to a document. What is written here while there is no connection stays
// in the document and goes to the server with the next one.
export function join(id: string, name: string): Room {
  const doc = new Y.Doc()
  const text = doc.getText('content')
  const provider = new WebsocketProvider(location.origin.replace(/^http/, 'ws') + '/api/v1/yjs', id, doc, { connect: false, disableBc: true, maxBackoffTime: 5000 })
  provider.awareness.setLocalStateField('user', { name })
  const unsaved = new Unsaved(doc.clientID)
  const listeners = new Listeners()
  let synced = false, over = false, refused: string | undefined, attempts = 0
  let lost = false, losing: ReturnType<typeof setTimeout> | undefined

  const room: Room = {
    doc, text, provider, state: 'opening', unsaved: false, others: [],
    onChange: listeners.on,
    destroy() {
      over = true
      clearTimeout(losing)
      removeEventListener('online', connect)
      removeEventListener('offline', disconnect)
      provider.destroy()
      doc.destroy()
    },
  }
  const tell = () => {
    const connected = provider.wsconnected || (!lost && navigator.onLine)
    const state: State = refused !== undefined ? 'refused' : !synced ? (lost || !navigator.onLine ? 'offline' : 'opening') : !connected ? 'offline' : unsaved.none ? 'saved' : 'saving'
    const now = !unsaved.none
    if (state === room.state && now === room.unsaved && room.reason === refused) return
    room.state = state
    room.unsaved = now
    room.reason = refused
    listeners.tell()
  }

  const connect = () => {
    void fresh().then((good) => { if (good && !over && refused === undefined) provider.connect() }, () => {
      if (!over) setTimeout(connect, 2000)
    })
  }
  const disconnect = () => {
    provider.disconnect()
    tell()
  }

  // The server has set whose a state is.
  provider.awareness.on('change', () => {
    const others = new Map<string, Editing>()
    provider.awareness.getStates().forEach((state, client) => {
      const user = (state as { user?: { id?: unknown; name?: unknown } }).user
      if (client !== doc.clientID && typeof user?.id === 'string') others.set(user.id, { user_id: user.id, name: String(user.name ?? 'Somebody') })
    })
    const before = room.others
    room.others = [...others.values()]
    if (JSON.stringify(before) !== JSON.stringify(room.others)) listeners.tell()
    else room.others = before
  })

  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin === provider) return
    unsaved.wrote(update)
    tell()
  })

  // What the server has is in what it sends.
  const sync = provider.messageHandlers[syncMessage]!
  provider.messageHandlers[syncMessage] = (encoder, decoder, p, emit, type) => {
    const copy = decoding.clone(decoder)
    const kind = decoding.readVarUint(copy)
    const body = decoding.readVarUint8Array(copy)
    sync(encoder, decoder, p, emit, type)
    if (kind === 0) unsaved.knows(body)
    else unsaved.came(body)
    tell()
  }
  provider.messageHandlers[authMessage] = (_encoder, decoder) => {
    if (decoding.readVarUint(decoder) === 0) refuse(decoding.readVarString(decoder))
  }
  const refuse = (why: string) => {
    refused = why
    provider.disconnect()
    tell()
  }

  provider.on('sync', (done: boolean) => {
    if (done) {
      synced = true
      attempts = 0
    }
    tell()
  })
  // A break that is over at once, as when another token is due, is nobody's concern.
  provider.on('status', ({ status }: { status: string }) => {
    if (status === 'connected') {
      clearTimeout(losing)
      losing = undefined
      lost = false
    } else {
      losing ??= setTimeout(() => { lost = true; tell() }, 1500)
    }
    tell()
  })
  provider.on('connection-close', (e: CloseEvent | null) => {
    if (e && e.code >= 4400 && e.code < 4500) {
      if (e.code === 4401 && attempts++ < 2) connect() // the session may be good yet
      else refuse(closed(e.code))
    } else {
      void fresh().catch(() => {}) // the provider tries again by itself, with cookies that should be good
    }
    tell()
  })
  addEventListener('online', connect)
  addEventListener('offline', disconnect)
  connect()
  return room
}

function closed(code: number): string {
  switch (code) {
    case 4401: return 'Your session has ended.'
    case 4403: return 'You have no access to this document any more.'
    case 4404: return 'This document does not exist any more.'
    case 4413: return 'The last change was too large for the document.'
    default: return 'The server does not take this document’s changes any more.'
  }
}
