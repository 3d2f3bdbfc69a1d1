import { useSyncExternalStore } from 'react'

// What was done, said for a while at the edge of the page.

let said: { text: string; n: number } | undefined
let timer = 0
let count = 0
const listeners = new Set<() => void>()

function become(text?: string): void {
  said = text === undefined ? undefined : { text, n: ++count }
  for (const f of listeners) f()
}

export function say(text: string): void {
  clearTimeout(timer)
  become(text)
  timer = window.setTimeout(() => become(), 6000)
}

export function Said() {
  const now = useSyncExternalStore(
    (f) => {
      listeners.add(f)
      return () => listeners.delete(f)
    },
    () => said,
  )
  return <div className="said-slot" role="status">{now && <p key={now.n} className="said">{now.text}</p>}</div>
}
