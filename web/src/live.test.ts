import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Live, type LiveEvent, type Socket } from './live'

// A server's end of the sockets, by hand: the real one is in test/web.
class End implements Socket {
  onopen: (() => void) | null = null
  onmessage: ((e: { data: unknown }) => void) | null = null
  onclose: ((e: { code: number; reason: string }) => void) | null = null
  sent: Record<string, unknown>[] = []
  closed = false
  send(text: string) { this.sent.push(JSON.parse(text)) }
  close() { this.closed = true }
  say(...frames: object[]) { this.onmessage?.({ data: JSON.stringify(frames.length === 1 ? frames[0] : frames) }) }
  last(op: string) { return this.sent.findLast((f) => f.op === op) }
  // opens greets, and answers the sub of the one project.
  async opens(sub: object) {
    this.onopen!()
    this.say({ re: this.last('hello')!.id, hello: { ping_s: 25 } })
    this.answers(sub)
  }
  answers(sub: object) { this.say({ re: this.last('sub')!.id, sub: { project: 'p', log: 'l', role: 'editor', mode: 'live', ...sub } }) }
}

function world(good: (doubt: boolean) => boolean = () => true) {
  const ends: End[] = []
  const timers: { ms: number; then: () => void }[] = []
  const got: string[] = []
  let over = 0
  let now = 0
  const live = new Live({
    open: () => { const end = new End(); ends.push(end); return end },
    ready: async (doubt) => good(doubt),
    ended: () => over++,
    wait: (ms, then) => {
      const timer = { ms, then }
      timers.push(timer)
      return () => { timers.splice(timers.indexOf(timer) >>> 0, 1) }
    },
    random: () => 1,
    now: () => now,
  })
  const watcher = {
    event: (e: LiveEvent) => { got.push(`${e.s} ${e.t}`) },
    reset: () => { got.push('reset') },
    role: (role: string) => { got.push(role) },
    revoked: (code: string) => { got.push(`revoked ${code}`) },
    presence: (all: { name: string }[]) => { got.push('here ' + all.map((p) => p.name).join(' ')) },
  }
  const fire = async () => {
    const timer = timers.pop()!
    timer.then()
    await settled()
  }
  return { live, ends, timers, got, watcher, fire, over: () => over, later: (ms: number) => { now += ms } }
}

const settled = () => new Promise((done) => setImmediate(done))
const event = (s: number) => ({ ev: 'event', p: 'p', s, t: 'x', by: 'u', at: 'T', d: {} })

async function watching(since?: number) {
  const w = world()
  w.live.watch('p', since === undefined ? undefined : { log: 'l', seq: since }, w.watcher)
  await settled()
  const end = w.ends[0]!
  await end.opens({ head: since ?? 4 })
  w.got.length = 0
  return { ...w, end }
}

test('events come one after the other', async () => {
  const { end, got } = await watching(4)
  assert.deepEqual(end.last('sub')!.since, { log: 'l', seq: 4 })
  end.say(event(5), event(6), event(7))
  assert.deepEqual(got, ['5 x', '6 x', '7 x'])
})

test('what came already is dropped, and a gap is asked for', async () => {
  const { end, got } = await watching(4)
  end.say(event(5))
  end.say(event(5), event(4))
  end.say(event(8), event(9))
  assert.deepEqual(end.last('sub')!.since, { log: 'l', seq: 5 })
  assert.equal(end.sent.filter((f) => f.op === 'sub').length, 2, 'once')
  end.answers({ head: 9, mode: 'replay' })
  end.say(event(6), event(7), event(8), event(9), { ev: 'caught_up', p: 'p', s: 9 })
  assert.deepEqual(got.filter((g) => g.endsWith('x')), ['5 x', '6 x', '7 x', '8 x', '9 x'])
})

test('a new connection goes on where the last one ended', async () => {
  const w = await watching(4)
  w.end.say(event(5))
  w.end.onclose!({ code: 1006, reason: '' })
  assert.equal(w.live.status, 'offline')
  await w.fire()
  const second = w.ends[1]!
  await second.opens({ head: 6 })
  assert.deepEqual(second.last('sub')!.since, { log: 'l', seq: 5 })
  w.end.onmessage?.({ data: JSON.stringify(event(9)) }) // from the connection before
  second.say(event(6))
  assert.deepEqual(w.got.filter((g) => g.endsWith('x')), ['5 x', '6 x'])
})

test('pauses grow, and have an end', async () => {
  const w = await watching()
  const pauses: number[] = []
  w.end.onclose!({ code: 4503, reason: '' })
  for (let i = 0; i < 8; i++) {
    pauses.push(w.timers.at(-1)!.ms)
    await w.fire()
    w.ends.at(-1)!.onclose!({ code: 1006, reason: '' })
  }
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 16000, 20000, 20000])
})

test('another log, or a position that is too old, begins anew', async () => {
  const w = world()
  w.live.watch('p', { log: 'before', seq: 70 }, w.watcher)
  await settled()
  await w.ends[0]!.opens({ head: 9, mode: 'reset' })
  w.ends[0]!.say(event(10))
  assert.deepEqual(w.got, ['reset', 'editor', '10 x'])
})

test('one who lagged subscribes again, and one who is told to move moves', async () => {
  const w = await watching(4)
  w.end.say(event(5), { ev: 'lagged', p: 'p', from: 6 })
  assert.deepEqual(w.end.last('sub')!.since, { log: 'l', seq: 5 })
  w.end.say({ ev: 'move', after_ms: 70 })
  assert.equal(w.end.closed, true)
  assert.equal(w.timers.at(-1)!.ms, 70)
  await w.fire()
  assert.equal(w.ends.length, 2)
})

test('who is removed is told, and the rest goes on', async () => {
  const w = await watching(4)
  w.end.say({ ev: 'revoked', p: 'p', code: 'not_found' }, event(5))
  assert.deepEqual(w.got, ['revoked not_found'])
  assert.equal(w.live.status, 'online')
})

test('a session that is over ends it', async () => {
  const w = world((doubt) => !doubt)
  w.live.watch('p', undefined, w.watcher)
  await settled()
  await w.ends[0]!.opens({ head: 1 })
  w.ends[0]!.onclose!({ code: 4401, reason: '' })
  await settled()
  assert.equal(w.over(), 1)
  assert.equal(w.live.status, 'idle')
  assert.equal(w.ends.length, 1)
})

test('a token that has expired is exchanged, and nothing is missed', async () => {
  const doubts: boolean[] = []
  const w = world((doubt) => { doubts.push(doubt); return true })
  w.live.watch('p', { log: 'l', seq: 4 }, w.watcher)
  await settled()
  await w.ends[0]!.opens({ head: 4 })
  w.ends[0]!.say({ ev: 'revoked', code: 'token_expired' })
  await settled()
  await w.ends[1]!.opens({ head: 4 })
  assert.deepEqual(w.ends[1]!.last('sub')!.since, { log: 'l', seq: 4 })
  assert.deepEqual(doubts, [false, true])
  assert.equal(w.over(), 0)
})

test('heartbeats tell of what did not come', async () => {
  const { end } = await watching(4)
  end.say({ ev: 'heartbeat', head: { p: 4 } })
  assert.equal(end.sent.filter((f) => f.op === 'sub').length, 1)
  end.say({ op: 'pong', head: { p: 6 } })
  assert.deepEqual(end.last('sub')!.since, { log: 'l', seq: 4 })
  assert.equal(end.sent.filter((f) => f.op === 'sub').length, 2)
})

test('a server that cannot tell now is asked again', async () => {
  const w = world()
  w.live.watch('p', undefined, w.watcher)
  await settled()
  const end = w.ends[0]!
  end.onopen!()
  end.say({ re: end.last('hello')!.id, hello: { ping_s: 25 } })
  end.say({ re: end.last('sub')!.id, err: { code: 'unavailable' } })
  await w.fire()
  end.answers({ head: 3 })
  assert.deepEqual(w.got, ['editor'])
})

test('a connection that is silent is given up', async () => {
  const w = await watching(4)
  await w.fire()
  assert.ok(w.end.last('ping'))
  w.later(60_000)
  await w.fire()
  assert.equal(w.end.closed, true)
  assert.equal(w.live.status, 'offline')
})

test('presence is merged', async () => {
  const { end, got, live } = await watching(4)
  live.present('p', { document: 'd' })
  assert.deepEqual(end.last('presence')!.set, { document: 'd' })
  const one = (user_id: string, name: string) => ({ user_id, name })
  end.say({ ev: 'presence', p: 'p', full: [one('1', 'Ada')] }, { ev: 'presence', p: 'p', join: [one('2', 'Bob')] }, { ev: 'presence', p: 'p', leave: ['1'] })
  assert.deepEqual(got, ['here Ada', 'here Ada Bob', 'here Bob'])
})
