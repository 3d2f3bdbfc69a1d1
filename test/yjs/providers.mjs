// Unchanged providers of y-websocket and Hocuspocus, as pages have them, for tests that
// say what they do. One request a line on standard input, one answer a line on
// standard output, in any order.
import * as Y from 'yjs'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as hocuspocus3 from 'hocuspocus3'
import * as hocuspocus4 from 'hocuspocus4'
import * as decoding from 'lib0/decoding'
import { createInterface } from 'node:readline'

console.warn = console.debug = () => {} // what providers say of their refusals
const clients = new Map()

// Client is a document with a provider. It looks at what goes over the wire to know
// what was acknowledged, and changes nothing of it.
class Client {
  constructor ({ kind, url, document, token, ticket, protocols, headers, options }) {
    Object.assign(this, { kind, document, sent: 0, acknowledged: 0, refused: 0, waiting: [], sockets: 0, closes: [], scopes: [], denials: [], tokens: 0, token })
    this.doc = new Y.Doc()
    this.text = this.doc.getText('t')
    this.heard = new Y.Doc() // what the server has sent
    this.written = 0 // the clock of what this client has written itself
    this.doc.on('update', (_, origin) => { if (origin !== this.provider) this.written = this.clock(this.doc) })
    const client = this
    class Socket extends WebSocket {
      constructor (address, protocols) {
        super(address, protocols, { headers })
        client.sockets++
        client.waiting = []
        this.on('message', data => client.got(new Uint8Array(data)))
        this.on('error', error => { client.failure = String(error) })
        this.on('close', (code, why) => client.closes.push({ code, why: String(why), at: Date.now() }))
      }

      send (data) {
        client.went(new Uint8Array(data))
        super.send(data)
      }
    }
    if (kind === 'y-websocket') {
      this.provider = new WebsocketProvider(url, document, this.doc, {
        WebSocketPolyfill: Socket, disableBc: true, params: ticket ? { ticket } : {}, protocols: protocols ?? [], ...options
      })
    } else {
      const { HocuspocusProvider, HocuspocusProviderWebsocket } = kind === 'hocuspocus3' ? hocuspocus3 : hocuspocus4
      this.socket = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: Socket, delay: 200, minDelay: 200, maxDelay: 1000 })
      this.provider = new HocuspocusProvider({
        websocketProvider: this.socket,
        name: document,
        document: this.doc,
        token: () => { this.tokens++; return this.token ?? ticket ?? '' },
        onAuthenticated: ({ scope }) => this.scopes.push(scope),
        onAuthenticationFailed: ({ reason }) => this.denials.push(reason),
        ...options
      })
      this.provider.attach()
    }
    this.awareness = this.provider.awareness
  }

  clock (doc) { return doc.store.clients.has(this.doc.clientID) ? Y.getState(doc.store, this.doc.clientID) : 0 }

  read (data) {
    const d = decoding.createDecoder(data)
    if (this.kind !== 'y-websocket') decoding.readVarString(d)
    const kind = decoding.readVarUint(d)
    if (kind === 8) return { saved: decoding.readVarUint(d) === 1 }
    if (kind !== 0 && kind !== 4) return {}
    return decoding.readVarUint(d) === 0 ? {} : { update: decoding.readVarUint8Array(d) }
  }

  went (data) {
    const { update } = this.read(data)
    if (update === undefined) return
    this.sent++
    this.waiting.push(this.written)
  }

  // What comes back is an acknowledgement: Hocuspocus has a message for it, and
  // y-websocket hears its own updates.
  got (data) {
    const { update, saved } = this.read(data)
    if (saved !== undefined) {
      const clock = this.waiting.shift()
      if (saved) this.acknowledged = Math.max(this.acknowledged, clock)
      else this.refused++
    }
    if (update !== undefined) {
      Y.applyUpdate(this.heard, update)
      if (this.kind === 'y-websocket') this.acknowledged = Math.max(this.acknowledged, this.clock(this.heard))
    }
  }

  // others are the states of everyone else.
  others () {
    return [...this.awareness.getStates()].filter(([id]) => id !== this.doc.clientID).map(([, state]) => state)
  }

  // state is what a test that failed tells of the client.
  state () {
    const { kind, sent, written, acknowledged, refused, sockets, closes, scopes, denials } = this
    return { kind, failure: this.failure, synced: this.provider.synced, unsynced: this.provider.unsyncedChanges, sent, written, acknowledged, refused, sockets, closes, scopes, denials, text: this.text.toString().slice(0, 200), length: this.text.length, others: this.others() }
  }

  type (n, of = 'x') {
    for (let i = 0; i < n; i++) this.text.insert(this.text.length, of)
  }

  connect () { (this.socket ?? this.provider).connect() }

  // disconnect is over when the provider knows it: before, that of Hocuspocus takes a
  // connect for needless and forgets it.
  disconnect () {
    const provider = this.socket ?? this.provider
    provider.disconnect()
    return until(() => this.socket === undefined || provider.status === 'disconnected')
  }

  close () {
    this.provider.destroy()
    this.socket?.destroy()
  }
}

const expression = code => new Function('c', 'Y', 'clients', `return (${code})`)

const until = async (test, client) => {
  while (!test(client, Y, clients)) await new Promise(resolve => setTimeout(resolve, 5))
  return true
}

const handle = async ({ open, as, run, wait, close }) => {
  if (open) return void clients.set(as, new Client(open))
  const client = clients.get(as)
  if (close) return void clients.get(as).close()
  if (wait) return until(expression(wait), client)
  return expression(run)(client, Y, clients)
}

createInterface({ input: process.stdin }).on('line', async line => {
  const request = JSON.parse(line)
  let answer
  try {
    answer = { value: await handle(request) }
  } catch (error) {
    answer = { error: String(error.stack) }
  }
  process.stdout.write(JSON.stringify({ number: request.number, ...answer }) + '\n')
}).on('close', () => process.exit(0))
