import { useSyncExternalStore } from 'react'
import { api, ask, type User } from './api'
import { forget, remember, rememberedUser, setCSRF, whenEnded, whenUserChanges } from './credentials'
import { Listeners } from './listeners'
import { forgetLoaded } from './load'
import { asProblem, type Problem } from './problem'

// Session is who is signed in: unknown at first, a user, nobody, or a problem in
// finding out.
export type Session =
  | { state: 'unknown' }
  | { state: 'in'; user: User }
  | { state: 'out'; over?: boolean }
  | { state: 'failed'; problem: Problem }

let current: Session = { state: 'unknown' }
const listeners = new Listeners()
const leavers = new Listeners()

// whenLeft calls back when the user is not signed in any more.
export const whenLeft = leavers.on

function become(s: Session): void {
  current = s
  listeners.tell()
}

export function useSession(): Session {
  return useSyncExternalStore(listeners.on, () => current)
}

// useUser is for pages that only those who are signed in see.
export function useUser(): User {
  const s = useSession()
  if (s.state !== 'in') throw new Error('nobody is signed in')
  return s.user
}

export async function findSession(): Promise<void> {
  if (rememberedUser() === null) return become({ state: 'out' })
  become({ state: 'unknown' })
  try {
    const found = await ask(api.GET('/api/v1/auth/session'))
    setCSRF(found.csrf_token)
    become({ state: 'in', user: found.user })
  } catch (e) {
    const problem = asProblem(e)
    if (problem.status === 401 || problem.status === 403) sessionOver()
    else become({ state: 'failed', problem })
  }
}

export async function signIn(email: string, password: string): Promise<void> {
  const t = await ask(api.POST('/api/v1/auth/login', { body: { email, password, cookie: true } }))
  remember(t)
  become({ state: 'in', user: t.user })
}

export async function signOut(): Promise<void> {
  await ask(api.POST('/api/v1/auth/logout'))
  leave({ state: 'out' })
}

// sessionOver is for a session that others have ended.
export function sessionOver(): void {
  if (current.state !== 'out') leave({ state: 'out', over: true })
}

function leave(s: Session): void {
  forget()
  forgetLoaded()
  leavers.tell()
  become(s)
}

whenEnded(sessionOver)
whenUserChanges(() => {
  const before = current.state === 'in' ? current.user.id : null
  if (rememberedUser() !== before) location.reload() // nothing of one user is left for the next
})
