// Makes up histories of documents with Yjs itself, and checks what was computed
// from their updates by its effect on documents. One request a line on standard
// input, one answer a line on standard output; binary values are base64.
import * as Y from 'yjs'
Error.stackTraceLimit = 30
import { createInterface } from 'node:readline'

const random = seed => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

const encode = bytes => Buffer.from(bytes).toString('base64')
const decode = text => new Uint8Array(Buffer.from(text, 'base64'))

// A document's client id has to be given before anything is written.
const make = (client, gc = true) => {
  const doc = new Y.Doc({ gc })
  doc.clientID = client
  return doc
}

const words = ['a', 'Hello', ' world', 'ß', '漢字', '\n', 'lorem ipsum dolor', '']
const astral = ['a', '😀', 'x🎨y', 'ab', '👩‍👩‍👧', '']

const plain = value => {
  if (value instanceof Y.Doc) return { doc: value.guid }
  if (value instanceof Uint8Array) return { bytes: encode(value) }
  if (value instanceof Y.AbstractType) return content(value)
  if (typeof value === 'bigint') return { big: String(value) }
  if (Array.isArray(value)) return value.map(plain)
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([k, v]) => [k, plain(v)]))
  }
  return value === undefined ? { undefined: true } : value
}

const content = type => {
  if (type instanceof Y.XmlElement || type instanceof Y.XmlFragment) {
    return { name: type.nodeName, attributes: plain(type.getAttributes?.() ?? {}), children: type.toArray().map(plain) }
  }
  if (type instanceof Y.Text) return plain(type.toDelta())
  if (type instanceof Y.Map) return plain(Object.fromEntries([...type.entries()]))
  return type.toArray().map(plain)
}

const roots = doc => [doc.getText('text'), doc.getMap('map'), doc.getArray('array'), doc.getXmlFragment('xml')]
const show = doc => JSON.stringify(roots(doc).map(content))
const vector = doc => encode(Y.encodeStateVector(doc))

// One random change. Histories have either characters of two units or formats: a
// format that begins within such a character makes Yjs differ from itself.
const change = (doc, rand, wide) => {
  const pick = list => list[Math.floor(rand() * list.length)]
  const upTo = n => Math.floor(rand() * (n + 1))
  const text = doc.getText('text')
  const map = doc.getMap('map')
  const array = doc.getArray('array')
  const xml = doc.getXmlFragment('xml')
  const value = () => pick([1, -70000, 1.5, 1e300, true, false, null, 'v', { a: [1, { b: 'c' }] }, [1, [2]], new Uint8Array([1, 2, 3]), 'x'.repeat(40)])
  const shared = () => pick([() => new Y.Map([['k', 1]]), () => new Y.Array(), () => new Y.Text('inner')])()
  const node = () => {
    if (rand() < 0.4) return new Y.XmlText(pick(words) + '.')
    const e = new Y.XmlElement(pick(['p', 'h1', 'img']))
    e.setAttribute('n', String(upTo(9)))
    if (rand() < 0.5) e.insert(0, [new Y.XmlText('t')])
    return e
  }
  const insertText = t => t.insert(upTo(t.length), pick(wide ? astral : words) || 'q')
  const remove = t => {
    if (t.length === 0) return
    const at = upTo(t.length - 1)
    t.delete(at, 1 + upTo(Math.min(5, t.length - at - 1)))
  }
  const changes = [
    () => insertText(text), () => insertText(text), () => text.insert(text.length, 'typed'), () => remove(text), () => remove(text),
    () => { if (!wide && text.length > 1) { const at = upTo(text.length - 2); text.format(at, 1 + upTo(text.length - at - 2), { bold: pick([true, null]) }) } },
    () => { if (!wide) text.insertEmbed(upTo(text.length), { image: pick(words) }) },
    () => map.set(pick(['a', 'b', 'c']), value()), () => map.set('c', 12345678901234n), () => map.set(pick(['a', 'b']), shared()), () => map.delete(pick(['a', 'b', 'c'])),
    () => { const inner = map.get('a'); if (inner instanceof Y.Map) inner.set('deep', value()); else if (inner instanceof Y.Text) insertText(inner) },
    () => map.set('doc', new Y.Doc({ guid: 'sub' + upTo(99) })),
    () => array.insert(upTo(array.length), [value(), value()].slice(upTo(1))), () => array.insert(upTo(array.length), [shared()]), () => remove(array),
    () => xml.insert(upTo(xml.length), [node()]), () => remove(xml),
    () => { const e = xml.get(0); if (e instanceof Y.XmlElement) { rand() < 0.5 ? e.insert(upTo(e.length), [node()]) : e.setAttribute('class', pick(words)) } }
  ]
  doc.transact(() => { for (let n = 1 + upTo(2); n > 0; n--) pick(changes)() })
}

// Documents that somebody else's updates are applied to: one with the whole
// history, one that came late, and the updates that were held back.
const histories = new Map()

const history = ({ seed, small }) => {
  const rand = random(seed)
  const upTo = n => Math.floor(rand() * (n + 1))
  const wide = seed % 3 === 0
  const peers = Array.from({ length: 2 + upTo(2) }, (_, i) => make(1 + i + 10 * upTo(5) + (rand() < 0.3 ? 2 ** 31 : 0), rand() < 0.7))
  const log = []
  const got = peers.map(() => 0)
  peers.forEach((doc, i) => doc.on('update', (update, origin) => {
    if (origin !== 'sync') log.push({ by: i, update })
  }))
  for (let steps = small ? 4 + upTo(8) : 6 + upTo(20); steps > 0; steps--) {
    const i = upTo(peers.length - 1)
    if (rand() < 0.35) {
      for (; got[i] < log.length && rand() < 0.9; got[i]++) Y.applyUpdate(peers[i], log[got[i]].update, 'sync')
    } else {
      change(peers[i], rand, wide)
    }
  }
  const updates = log.map(l => l.update)
  if (updates.length > 3 && rand() < 0.5) { // as a client sends that was away
    const from = upTo(updates.length - 2)
    const missing = new Y.Doc()
    Y.applyUpdate(missing, Y.mergeUpdates(updates.slice(0, from + 1)))
    updates.push(Y.diffUpdate(Y.mergeUpdates(updates), Y.encodeStateVector(missing)))
  }
  if (rand() < 0.5) updates.push(Y.encodeStateAsUpdate(peers[0]))
  if (updates.length > 2 && rand() < 0.4) { // merged, some of it again
    const at = upTo(updates.length - 2)
    updates.push(Y.mergeUpdates(updates.slice(at, at + 5)))
  }
  if (rand() < 0.6) { // out of order
    for (let i = updates.length - 1; i > 0; i--) {
      const j = upTo(i);
      [updates[i], updates[j]] = [updates[j], updates[i]]
    }
  }
  const held = []
  if (rand() < 0.3) { // with holes
    for (let n = upTo(3); n > 0 && updates.length > 2; n--) held.push(...updates.splice(upTo(updates.length - 1), 1))
  }
  const all = make(1000, seed % 2 === 0)
  updates.forEach(update => Y.applyUpdate(all, update))
  const late = make(1001)
  updates.slice(0, upTo(updates.length)).forEach(update => Y.applyUpdate(late, update))
  const version = Y.encodeStateAsUpdate(late)
  const then = make(1002)
  Y.applyUpdate(then, version) // what waits may show now
  histories.set(seed, { all, late, held, rand, wide, before: show(then) })
  const merged = Y.mergeUpdates(updates)
  return { updates: updates.map(encode), vector: encode(Y.encodeStateVectorFromUpdate(merged)), late: vector(late), version: encode(version) }
}

const load = (client, ...updates) => {
  const doc = make(client)
  updates.forEach(update => Y.applyUpdate(doc, decode(update)))
  return doc
}

// What was restored shows what the version showed, also to those who write meanwhile.
const checkRestore = ({ merged, compact, restore }, { before, rand, wide }) => {
  const restored = load(3001, merged, restore)
  const other = load(3002, compact)
  change(other, rand, wide)
  const changed = Y.encodeStateAsUpdate(other)
  Y.applyUpdate(other, decode(restore))
  for (const [name, doc] of Object.entries({ merged: restored, compact: load(3003, compact, restore), twice: load(3004, merged, restore, restore) })) {
    // A character that was cut in two stays so, as it does in Yjs.
    if (show(doc) !== before && !(wide && show(doc).includes('\ufffd'))) throw new Error(`${name} restored: ${show(doc)} instead of ${before}`)
  }
  Y.applyUpdate(restored, changed)
  Y.applyUpdate(restored, Y.encodeStateAsUpdate(other))
  Y.applyUpdate(other, Y.encodeStateAsUpdate(restored))
  if (show(restored) !== show(other)) throw new Error(`restored amid edits: ${show(restored)} and ${show(other)}`)
}

const check = request => {
  const { seed, merged, compact, diff, news } = request
  const { all, late, held, rand, wide } = histories.get(seed)
  checkRestore(request, histories.get(seed))
  histories.delete(seed)
  const want = show(all)
  Y.applyUpdate(late, decode(diff))
  const docs = { merged: load(2001, merged), compact: load(2002, compact), diff: late, news: new Y.Doc() }
  // Together: one by one, far out of order, Yjs may leave some waiting for each other.
  docs.news.clientID = 2003
  if (news.length > 0) Y.applyUpdate(docs.news, Y.mergeUpdates(news.map(decode)))
  const same = (when, want) => {
    for (const [name, doc] of Object.entries(docs)) {
      if (show(doc) !== want) throw new Error(`${name} ${when}: ${show(doc)} instead of ${want}`)
      if (vector(doc) !== vector(all)) throw new Error(`${name} ${when}: another state vector`)
    }
  }
  same('at first', want)
  // Some of them go on, apart from each other. What Yjs tidies up by itself when
  // it hears of the others' formats has to reach everyone too.
  const everyone = [all, ...Object.values(docs)]
  let edits = []
  for (const doc of everyone) doc.on('update', (update, origin) => { if (origin !== 'sync') edits.push({ doc, update }) })
  for (let n = 0; n < 3; n++) for (const doc of [docs.compact, docs.merged, all]) change(doc, rand, wide)
  const settle = () => {
    while (edits.length > 0) {
      const now = edits
      edits = []
      for (const { doc, update } of now) for (const other of everyone) if (other !== doc) Y.applyUpdate(other, update, 'sync')
    }
  }
  settle()
  same('after edits', show(all))
  for (const update of held) for (const doc of everyone) Y.applyUpdate(doc, update, 'sync')
  settle()
  same('when holes are filled', show(all))
  return {}
}

const requests = { history, check }
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  let answer
  try {
    answer = requests[request.do](request)
  } catch (error) {
    answer = { error: String(error.stack) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
