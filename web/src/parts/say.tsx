import { useSyncExternalStore } from 'react'
import { Listeners } from '../listeners'

// What was done, said for a while at the edge of the page.

let said: { text: string; n: number } | undefined
let timer = 0
let count = 0
const listeners = new Listeners()

function become(text?: string): void {
  said = text === undefined ? undefined : { text, n: ++count }
  listeners.tell()
}

export function say(text: string): void {
  clearTimeout(timer)
  become(text)
  timer = window.setTimeout(() => become(), 6000)
}

export function Said() {
  const now = useSyncExternalStore(listeners.on, () => said)
  return <div className="said-slot" role="status">{now && <p key={now.n} className="said">{now.text}</p>}</div>
}
