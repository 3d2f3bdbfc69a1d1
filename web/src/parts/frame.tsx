import { useEffect, useRef, useState, type ReactNode } from 'react'
import { live, useOnline, useStatus } from '../connection'
import { useAction } from '../load'
import { Link } from '../router'
import { signOut, useUser } from '../session'
import { Avatar } from './bits'
import { Button } from './form'
import { Mark } from './mark'
import { say } from './say'

// Frame is around all pages of those who are signed in.
export function Frame({ children }: { children: ReactNode }) {
  return (
    <>
      <a className="skip" href="#main">Skip to the content</a>
      <header className="top">
        <Link to="/" className="brand"><Mark /><span>Atelier</span></Link>
        <Account />
      </header>
      {children}
      <Network />
    </>
  )
}

function Account() {
  const user = useUser()
  const [open, setOpen] = useState(false)
  const box = useRef<HTMLDivElement>(null)
  const opener = useRef<HTMLButtonElement>(null)
  const { run, busy, problem } = useAction(signOut)
  useEffect(() => {
    if (problem) say(problem.message)
  }, [problem])
  useEffect(() => {
    if (!open) return
    const away = (e: Event) => {
      if (!box.current?.contains(e.target as Node)) setOpen(false)
    }
    const escape = (e: KeyboardEvent) => {
      if (e.key !== 'Escape') return
      setOpen(false)
      opener.current?.focus()
    }
    addEventListener('pointerdown', away)
    addEventListener('focusin', away)
    addEventListener('keydown', escape)
    return () => {
      removeEventListener('pointerdown', away)
      removeEventListener('focusin', away)
      removeEventListener('keydown', escape)
    }
  }, [open])
  return (
    <div className="account" ref={box}>
      <button ref={opener} type="button" className="account-button" aria-expanded={open} aria-controls="account-panel" aria-label={`Account of ${user.name}`} onClick={() => setOpen(!open)}>
        <Avatar id={user.id} name={user.name} />
      </button>
      {open && (
        <div id="account-panel" className="panel">
          <p className="panel-name">{user.name}</p>
          <p className="quiet-text">{user.email}</p>
          <p className="quiet-text id">Your id: <code>{user.id}</code></p>
          <Button busy={busy} onClick={() => void run()}>Sign out</Button>
        </div>
      )}
    </div>
  )
}

// Network says when what others do is not seen for the moment.
function Network() {
  const online = useOnline()
  const status = useStatus()
  const text = !online ? 'You are offline. What you write in an open document is kept until you are back.'
    : status === 'offline' ? 'The connection was lost. Trying again…'
      : status === 'stopped' ? 'Live updates have stopped.' : ''
  return (
    <div className="network-slot" role="status">
      {text && (
        <p className="network">
          <span>{text}</span>
          {online && <button type="button" onClick={() => live.retry()}>Try now</button>}
        </p>
      )}
    </div>
  )
}
