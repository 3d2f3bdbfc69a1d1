import { useSyncExternalStore } from 'react'
import { api, ask } from './api'
import { Listeners } from './listeners'

// Names of people, by their ids. Who is not known is asked for once.
const names = new Map<string, string>()
const asked = new Set<string>()
const listeners = new Listeners()
let version = 0

export function know(people: { id: string; name: string }[]): void {
  for (const p of people) {
    if (names.get(p.id) === p.name) continue
    names.set(p.id, p.name)
    version++
  }
  listeners.tell()
}

export type NameOf = (id: string | undefined) => string

function nameOf(id: string | undefined): string {
  if (!id) return 'Somebody'
  const name = names.get(id)
  if (name !== undefined) return name
  if (!asked.has(id)) {
    asked.add(id)
    ask(api.GET('/api/v1/users/{user_id}', { params: { path: { user_id: id } } })).then(
      (u) => know([{ id, name: (u as { name: string }).name }]),
      () => know([{ id, name: 'Somebody' }]),
    )
  }
  return '…'
}

// useNames draws anew when names come in.
export function useNames(): NameOf {
  useSyncExternalStore(listeners.on, () => version)
  return nameOf
}
