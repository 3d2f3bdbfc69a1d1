import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as Y from 'yjs'
import { Unsaved } from './saved'

function written() {
  const doc = new Y.Doc()
  const unsaved = new Unsaved(doc.clientID)
  const sent: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => {
    sent.push(update)
    unsaved.wrote(update)
  })
  return { doc, text: doc.getText('content'), unsaved, sent }
}

test('a change is saved when the server sends it back', () => {
  const { text, unsaved, sent } = written()
  assert.equal(unsaved.none, true)
  text.insert(0, 'Hello')
  text.insert(5, ' world')
  assert.equal(unsaved.none, false)
  unsaved.came(sent[0]!)
  assert.equal(unsaved.none, false)
  unsaved.came(sent[1]!)
  assert.equal(unsaved.none, true)
})

test('changes that the server merged are saved', () => {
  const { text, unsaved, sent } = written()
  text.insert(0, 'Hello')
  text.delete(1, 2)
  text.insert(0, '>')
  unsaved.came(Y.mergeUpdates(sent))
  assert.equal(unsaved.none, true)
})

test('what is deleted is saved when the server knows all of it', () => {
  const { doc, text, unsaved, sent } = written()
  text.insert(0, 'Hello')
  unsaved.came(sent[0]!)
  text.delete(1, 3)
  assert.equal(unsaved.none, false)
  const other = new Y.Doc()
  Y.applyUpdate(other, sent[0]!)
  other.getText('content').delete(2, 1) // somebody else deletes a part of it
  unsaved.came(Y.encodeStateAsUpdate(other))
  assert.equal(unsaved.none, false)
  unsaved.came(Y.encodeStateAsUpdate(doc))
  assert.equal(unsaved.none, true)
})

test('after a break the state vector tells what arrived', () => {
  const { doc, text, unsaved } = written()
  text.insert(0, 'Hello')
  unsaved.knows(Y.encodeStateVector(new Y.Doc()))
  assert.equal(unsaved.none, false)
  unsaved.knows(Y.encodeStateVector(doc))
  assert.equal(unsaved.none, true)
})

test('what others write is not mine to save', () => {
  const { doc, unsaved } = written()
  const other = new Y.Doc()
  other.getText('content').insert(0, 'Hello')
  unsaved.came(Y.encodeStateAsUpdate(other))
  assert.equal(doc.store.clients.size, 0)
  assert.equal(unsaved.none, true)
})
