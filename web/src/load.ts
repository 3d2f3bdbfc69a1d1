import { useCallback, useEffect, useRef, useState } from 'react'
import type { Page } from './api'
import { asProblem, type Problem } from './problem'

// What was loaded is shown at once when its page is opened again, and then read anew.
const kept = new Map<string, unknown>()
export const forgetLoaded = () => kept.clear()

// Loaded is what was read. A change must have the same effect if it is made again.
export interface Loaded<T> {
  data?: T
  problem?: Problem
  reload(): void
  change(f: (old: T) => T): void
}

// useLoad reads what has a key; without one it waits.
export function useLoad<T>(key: string | undefined, load: () => Promise<T>): Loaded<T> {
  const [shown, show] = useState<{ key?: string; data?: T; problem?: Problem }>({})
  const latest = useRef(load)
  latest.current = load
  const round = useRef(0)
  const meanwhile = useRef<((old: T) => T)[]>(undefined) // changes since the load in flight began

  const reload = useCallback(() => {
    if (key === undefined) return
    const mine = ++round.current
    meanwhile.current = []
    latest.current().then(
      (loaded) => {
        if (mine !== round.current) return
        const data = meanwhile.current?.reduce((now, f) => f(now), loaded) ?? loaded // which it may have, or not
        meanwhile.current = undefined
        kept.set(key, data)
        show({ key, data })
      },
      (e) => {
        if (mine !== round.current) return
        meanwhile.current = undefined
        show((old) => ({ key, data: old.key === key ? old.data : undefined, problem: asProblem(e) }))
      },
    )
  }, [key])

  useEffect(() => {
    reload()
    return () => { round.current++ }
  }, [reload])

  const change = useCallback((f: (old: T) => T) => {
    if (key === undefined) return
    meanwhile.current?.push(f)
    show((old) => {
      const before = old.key === key ? old.data : (kept.get(key) as T | undefined)
      if (before === undefined) return old
      const data = f(before)
      kept.set(key, data)
      return { key, data }
    })
  }, [key])

  const current = shown.key === key ? shown : { data: key === undefined ? undefined : (kept.get(key) as T | undefined) }
  return { data: current.data, problem: 'problem' in current ? current.problem : undefined, reload, change }
}

export interface List<T> extends Omit<Loaded<Page<T>>, 'data'> {
  items?: T[]
  more?: () => Promise<void>
}

// useList reads a list page by page.
export function useList<T>(key: string | undefined, load: (cursor?: string) => Promise<Page<T>>): List<T> {
  const { data, change, ...rest } = useLoad(key, () => load())
  const cursor = data?.next_cursor
  const more = cursor ? async () => {
    const page = await load(cursor)
    change((old) => ({ items: [...old.items, ...page.items], next_cursor: page.next_cursor }))
  } : undefined
  return { ...rest, change, items: data?.items, more }
}

// useAction runs what a person asked for, and keeps what went wrong.
export function useAction<A extends unknown[]>(act: (...args: A) => Promise<unknown>) {
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  const run = async (...args: A): Promise<void> => {
    setBusy(true)
    setProblem(undefined)
    try {
      await act(...args)
    } catch (e) {
      setProblem(asProblem(e))
    } finally {
      setBusy(false)
    }
  }
  return { run, busy, problem, clear: () => setProblem(undefined) }
}
