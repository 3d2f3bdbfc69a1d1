// What Node's yjs makes of an editing trace.
//
//   node trace.mjs record TRACE UPDATES   each edit as an update, as an editor sends it
//   node trace.mjs merge UPDATES          CPU seconds of merging them, and the document's bytes
//   node trace.mjs check UPDATES UPDATE   whether an update amounts to the same text
//
// A trace is JSON, gzipped or not: { txns: [{ patches: [[position, deleted, inserted], …] }, …] }.
// A file of updates has each behind its length in four bytes, the lowest first.
import { readFileSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import * as Y from 'yjs'

const together = 500 // updates that are merged at a time: yjs takes too long with all at once

const unpack = (file) => {
  const bytes = readFileSync(file)
  return bytes[0] === 0x1f ? gunzipSync(bytes) : bytes
}

const read = (file) => {
  const bytes = readFileSync(file)
  const updates = []
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32LE(at)
    updates.push(new Uint8Array(bytes.subarray(at + 4, at + 4 + size)))
    at += 4 + size
  }
  return updates
}

const merged = (updates) => {
  while (updates.length > 1) {
    const next = []
    for (let i = 0; i < updates.length; i += together) next.push(Y.mergeUpdates(updates.slice(i, i + together)))
    updates = next
  }
  return updates[0]
}

const written = (update) => {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, update)
  return doc
}

const commands = {
  record (trace, into) {
    const doc = new Y.Doc()
    doc.clientID = 7
    const text = doc.getText('text')
    const parts = []
    doc.on('update', (update) => {
      const size = Buffer.alloc(4)
      size.writeUInt32LE(update.length)
      parts.push(size, update)
    })
    let edits = 0
    for (const { patches } of JSON.parse(unpack(trace)).txns) {
      for (const [at, deleted, inserted] of patches) {
        doc.transact(() => {
          if (deleted > 0) text.delete(at, deleted)
          if (inserted !== '') text.insert(at, inserted)
        })
        edits++
      }
    }
    writeFileSync(into, Buffer.concat(parts))
    return { Edits: edits }
  },
  merge (file) {
    const updates = read(file)
    const before = process.cpuUsage()
    const whole = merged(updates)
    const spent = process.cpuUsage(before)
    return { Seconds: (spent.user + spent.system) / 1e6, Merged: whole.length, Document: Y.encodeStateAsUpdate(written(whole)).length }
  },
  check (file, update) {
    const text = (bytes) => written(bytes).getText('text').toString()
    return { Same: text(merged(read(file))) === text(new Uint8Array(readFileSync(update))) }
  }
}

const [command, ...files] = process.argv.slice(2)
console.log(JSON.stringify(commands[command](...files)))
