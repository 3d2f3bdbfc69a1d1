// The event channel: one socket for the page, over which it follows projects. What
// is promised holds across reconnects: events of a project come one after the other,
// none left out, none twice, or the watcher is told to begin anew.

import { Listeners } from './listeners'

export interface Position { log: string; seq: number }
export interface LiveEvent { p: string; s: number; t: string; by: string; at: string; d: Record<string, unknown> }
export interface Present { user_id: string; name: string; state?: Record<string, unknown> }

// Watcher is told what happens to a project.
export interface Watcher {
  event(e: LiveEvent): void
  presence?(all: Present[]): void
  role?(role: string): void
  // What the page shows of the project must be read again: events before here cannot be had.
  reset?(): void
  // The project is not to be seen any more.
  revoked?(code: string): void
}

// Idle is nothing to do; stopped, that it does not go on by itself.
export type Status = 'idle' | 'connecting' | 'online' | 'offline' | 'stopped'

// Socket is what is used of a WebSocket.
export interface Socket {
  onopen: (() => void) | null
  onmessage: ((e: { data: unknown }) => void) | null
  onclose: ((e: { code: number; reason: string }) => void) | null
  send(text: string): void
  close(code?: number): void
}

export interface Options {
  open(): Socket
  // Runs before each connection, to have a session that is good; false ends it all.
  // Where there is doubt the server has just said that this one is not.
  ready(doubt: boolean): Promise<boolean>
  // The session is over, as the server says.
  ended(): void
  wait?(ms: number, then: () => void): () => void
  random?(): number
  now?(): number
}

interface Frame {
  re?: number
  hello?: { ping_s?: number }
  sub?: { project: string; log: string; head: number; role: string; mode: 'live' | 'replay' | 'reset' }
  err?: { code: string }
  ev?: string
  op?: string
  p?: string
  [field: string]: unknown
}

interface Watched {
  watcher: Watcher
  at?: Position
  asked: number // id of the sub that is not answered yet, 0: none
  set?: Record<string, unknown>
  here: Map<string, Present>
}

const firstPause = 500
const longestPause = 20_000
const resubscribe = 2_000
const steady = 5_000 // online for so long, and the next break begins with the first pause

export class Live {
  private socket?: Socket
  private watched = new Map<string, Watched>()
  private listeners = new Listeners()
  private current: Status = 'idle'
  private failures = 0
  private nextId = 0
  private cancel?: () => void // of what waits: a reconnection
  private stopPing?: () => void
  private heard = 0
  private onlineSince = 0
  private began = 0 // counts attempts: one that was given up does not go on

  constructor(private options: Options) {}

  get status(): Status { return this.current }

  onStatus = this.listeners.on

  // watch follows a project from a position, or from now on. The last watch is the
  // one that counts.
  watch(project: string, at: Position | undefined, watcher: Watcher): () => void {
    const w: Watched = { watcher, at, asked: 0, here: new Map() }
    this.watched.set(project, w)
    if (this.current === 'online') this.subscribe(project, w)
    else if (!this.socket && !this.cancel) void this.connect()
    return () => {
      if (this.watched.get(project) !== w) return
      this.watched.delete(project)
      if (this.current === 'online') this.send({ id: ++this.nextId, op: 'unsub', p: project })
    }
  }

  // present says what the user is doing in a project that is watched.
  present(project: string, set: Record<string, unknown>): void {
    const w = this.watched.get(project)
    if (!w) return
    w.set = set
    if (this.current === 'online' && !w.asked) this.send({ id: ++this.nextId, op: 'presence', p: project, set })
  }

  // retry connects now and not after the pause.
  retry(): void {
    if (this.current !== 'offline' && this.current !== 'stopped') return
    this.failures = 0
    void this.connect()
  }

  // pause ends the connection until retry: the browser knows that there is no network.
  pause(): void {
    if (this.current === 'idle') return
    this.drop()
    this.become('offline')
  }

  stop(): void {
    this.drop()
    this.watched.clear()
    this.become('idle')
  }

  private async connect(doubt = false): Promise<void> {
    this.drop()
    this.become('connecting')
    let good: boolean
    const began = ++this.began
    try {
      good = await this.options.ready(doubt)
    } catch {
      if (began === this.began) this.later()
      return
    }
    if (began !== this.began) return // stopped, or begun anew, meanwhile
    if (!good) {
      this.stop()
      this.options.ended()
      return
    }
    const socket = (this.socket = this.options.open())
    socket.onopen = () => this.send({ id: ++this.nextId, op: 'hello', client: 'web/1' })
    socket.onmessage = (e) => {
      if (socket === this.socket && typeof e.data === 'string') this.receive(e.data)
    }
    socket.onclose = (e) => {
      if (socket === this.socket) this.closed(e.code)
    }
  }

  private drop(): void {
    this.began++
    this.cancel?.()
    this.cancel = undefined
    this.stopPing?.()
    const socket = this.socket
    this.socket = undefined
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null
      socket.close(1000)
    }
    for (const w of this.watched.values()) w.asked = 0
  }

  private closed(code: number): void {
    if (this.current === 'online' && this.now() - this.onlineSince > steady) this.failures = 0
    this.drop()
    switch (code) {
      case 4401: // expired, or over: ready tells which
      case 4403:
        return this.doubt()
      case 4400: case 4404: case 4408: case 4413: case 4429:
        this.become('stopped')
        return
      default:
        this.later()
    }
  }

  // doubt looks whether the session is good yet, and goes on if it is.
  private doubt(): void {
    this.drop()
    if (this.failures++ === 0) void this.connect(true)
    else this.later(undefined, true)
  }

  // later connects after a pause that grows and that is not the same for all.
  private later(ms?: number, doubt = false): void {
    this.become('offline')
    const most = Math.min(longestPause, firstPause * 2 ** this.failures++)
    const pause = ms ?? most / 2 + (this.random() * most) / 2
    this.cancel?.()
    this.cancel = this.wait(pause, () => {
      this.cancel = undefined
      void this.connect(doubt)
    })
  }

  private receive(text: string): void {
    this.heard = this.now()
    const frames = JSON.parse(text) as Frame | Frame[]
    for (const f of Array.isArray(frames) ? frames : [frames]) this.take(f)
  }

  private take(f: Frame): void {
    if (f.hello) return this.greeted(f.hello.ping_s ?? 25)
    if (f.sub) return this.subscribed(f.re ?? 0, f.sub)
    if (f.err && f.re !== undefined) return this.refused(f.re, f.err.code)
    const w = f.p === undefined ? undefined : this.watched.get(f.p)
    switch (f.ev) {
      case 'event':
        if (w) this.event(f as unknown as LiveEvent, w)
        break
      case 'presence':
        if (w) this.presence(f, w)
        break
      case 'lagged':
        if (w) this.subscribe(f.p!, w)
        break
      case 'role':
        w?.watcher.role?.(String(f.role))
        break
      case 'revoked':
        this.revoked(f.p, String(f.code))
        break
      case 'move':
        this.drop()
        this.later(Number(f.after_ms) || 0)
        break
    }
    if (f.head) this.heads(f.head as Record<string, number>) // of a heartbeat or a pong
  }

  private greeted(seconds: number): void {
    this.onlineSince = this.now()
    this.become('online')
    this.ping(seconds * 1000)
    for (const [project, w] of this.watched) this.subscribe(project, w)
  }

  // ping keeps asking, and gives the connection up when nothing is heard any more.
  private ping(every: number): void {
    this.stopPing = this.wait(every, () => {
      if (this.now() - this.heard > 2 * every) {
        this.drop()
        this.later()
        return
      }
      this.send({ op: 'ping' })
      this.ping(every)
    })
  }

  private subscribe(project: string, w: Watched): void {
    if (w.asked) return
    w.asked = ++this.nextId
    this.send({ id: w.asked, op: 'sub', project, ...(w.at ? { since: w.at } : {}) })
  }

  private subscribed(id: number, sub: NonNullable<Frame['sub']>): void {
    const w = this.watched.get(sub.project)
    if (!w || w.asked !== id) return
    w.asked = 0
    const behind = w.at && (w.at.log !== sub.log || sub.mode === 'reset')
    if (!w.at || behind) w.at = { log: sub.log, seq: sub.head }
    if (behind) w.watcher.reset?.()
    w.watcher.role?.(sub.role)
    if (w.set) this.send({ id: ++this.nextId, op: 'presence', p: sub.project, set: w.set })
  }

  // refused: there is no such project for the user, or the server cannot tell now.
  private refused(id: number, code: string): void {
    for (const [project, w] of this.watched) {
      if (w.asked !== id) continue
      if (code === 'not_found' || code === 'forbidden') return this.revoked(project, code)
      this.wait(resubscribe, () => {
        if (this.watched.get(project) !== w || w.asked !== id) return
        w.asked = 0
        if (this.current === 'online') this.subscribe(project, w)
      })
      return
    }
  }

  private event(e: LiveEvent, w: Watched): void {
    if (w.asked || !w.at || e.s <= w.at.seq) return // what comes again after the answer, or came already
    if (e.s > w.at.seq + 1) return this.subscribe(e.p, w)
    w.at = { log: w.at.log, seq: e.s }
    w.watcher.event(e)
  }

  // heads tell of events that should have come.
  private heads(heads: Record<string, number>): void {
    for (const [project, head] of Object.entries(heads)) {
      const w = this.watched.get(project)
      if (w?.at && !w.asked && head > w.at.seq) this.subscribe(project, w)
    }
  }

  private presence(f: Frame, w: Watched): void {
    const list = (value: unknown) => (Array.isArray(value) ? (value as Present[]) : [])
    if (f.full) w.here.clear()
    for (const one of [...list(f.full), ...list(f.join), ...list(f.upd)]) w.here.set(one.user_id, one)
    for (const user of (f.leave as string[] | undefined) ?? []) w.here.delete(user)
    w.watcher.presence?.([...w.here.values()])
  }

  private revoked(project: string | undefined, code: string): void {
    if (project === undefined) return this.doubt()
    const w = this.watched.get(project)
    this.watched.delete(project)
    w?.watcher.revoked?.(code)
  }

  private send(frame: object): void {
    this.socket?.send(JSON.stringify(frame))
  }

  private become(status: Status): void {
    if (status === this.current) return
    this.current = status
    this.listeners.tell()
  }

  private now(): number { return this.options.now?.() ?? Date.now() }
  private random(): number { return this.options.random?.() ?? Math.random() }

  private wait(ms: number, then: () => void): () => void {
    if (this.options.wait) return this.options.wait(ms, then)
    const timer = setTimeout(then, ms)
    return () => clearTimeout(timer)
  }
}
