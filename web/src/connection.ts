import { useEffect, useRef, useSyncExternalStore } from 'react'
import { api, ask } from './api'
import { fresh } from './credentials'
import { Live, type Position, type Socket, type Status, type Watcher } from './live'
import { Problem } from './problem'
import { sessionOver, whenLeft } from './session'

// The one event channel of the page, and what the browser knows of the network.

const url = (path: string) => location.origin.replace(/^http/, 'ws') + path

export const live = new Live({
  open: () => new WebSocket(url('/api/v1/realtime'), 'atelier.v1+json') as unknown as Socket,
  async ready(doubt) {
    if (!(await fresh())) return false
    if (!doubt) return true
    try {
      await ask(api.GET('/api/v1/auth/session'))
      return true
    } catch (e) {
      if (e instanceof Problem && (e.status === 401 || e.status === 403)) return false
      throw e
    }
  },
  ended: sessionOver,
})

whenLeft(() => live.stop())
addEventListener('offline', () => live.pause())
addEventListener('online', () => live.retry())

export function useStatus(): Status {
  return useSyncExternalStore(live.onStatus, () => live.status)
}

export function useOnline(): boolean {
  return useSyncExternalStore(
    (f) => {
      addEventListener('online', f)
      addEventListener('offline', f)
      return () => {
        removeEventListener('online', f)
        removeEventListener('offline', f)
      }
    },
    () => navigator.onLine,
  )
}

// useWatch follows a project from a position on, as soon as that is known.
export function useWatch(project: string, at: Position | undefined, watcher: Watcher): void {
  const latest = useRef(watcher)
  latest.current = watcher
  const known = at !== undefined
  const from = useRef(at)
  from.current = at
  useEffect(() => {
    if (!known) return
    return live.watch(project, from.current, {
      event: (e) => latest.current.event(e),
      presence: (all) => latest.current.presence?.(all),
      role: (role) => latest.current.role?.(role),
      reset: () => latest.current.reset?.(),
      revoked: (code) => latest.current.revoked?.(code),
    })
  }, [project, known])
}
