import { useEffect, useState, type ReactNode } from 'react'
import type { Problem } from '../problem'
import { tone } from '../tone'
import { Button } from './form'

// Avatar is a person by initials, in the colour that is his everywhere.
export function Avatar({ id, name, small }: { id: string; name: string; small?: boolean }) {
  const words = name.trim().split(/\s+/)
  const initials = [...(words[0] ?? '?')][0]! + (words.length > 1 ? [...words.at(-1)!][0]! : '')
  return <span className={`avatar tone-${tone(id)}${small ? ' small' : ''}`} aria-hidden="true">{initials.toUpperCase()}</span>
}

const units: [Intl.RelativeTimeFormatUnit, number][] = [['day', 86_400], ['hour', 3_600], ['minute', 60]]
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const dates = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })

function ago(at: Date, now: number): string {
  const seconds = (at.getTime() - now) / 1000
  if (seconds < -30 * 86_400) return dates.format(at)
  for (const [unit, size] of units) if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit)
  return 'just now'
}

export function Time({ at }: { at: string }) {
  const [now, tick] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => tick(Date.now()), 30_000)
    return () => clearInterval(timer)
  }, [])
  const date = new Date(at)
  return <time dateTime={at} title={absolute.format(date)}>{ago(date, now)}</time>
}

// Skeleton has about the size of what is loading.
export function Skeleton({ lines = 3 }: { lines?: number }) {
  return (
    <div className="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => <span key={i} />)}
    </div>
  )
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return <div className="empty"><p className="empty-title">{title}</p>{children}</div>
}

// Failed stands where something could not be loaded.
export function Failed({ problem, retry }: { problem: Problem; retry: () => void }) {
  return (
    <div className="wrong" role="alert">
      <p>{problem.message}</p>
      <Button onClick={retry}>Try again</Button>
    </div>
  )
}

export function More({ more }: { more?: () => Promise<void> }) {
  const [busy, setBusy] = useState(false)
  if (!more) return null
  return <Button kind="quiet" busy={busy} onClick={() => { setBusy(true); void more().catch(() => {}).finally(() => setBusy(false)) }}>Show more</Button>
}

export const plural = (n: number, one: string, many = one + 's') => `${n} ${n === 1 ? one : many}`
