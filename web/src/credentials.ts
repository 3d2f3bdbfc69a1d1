// The session's cookies are the browser's; scripts know when they expire and the
// token that shows that a write is this page's. All tabs share one refresh.

const expiresKey = 'atelier.expires'
const userKey = 'atelier.user'
const early = 30_000 // ms before its end a token is exchanged
const path = '/api/v1/auth/refresh'
const session = '/api/v1/auth/session'

interface Tokens { expires_in: number; csrf_token?: string; user: { id: string } }

let csrf = ''
let refreshing: Promise<boolean> | undefined
let onEnd = () => {}

export const csrfToken = () => csrf
export const setCSRF = (token: string) => { csrf = token }
export const rememberedUser = () => localStorage.getItem(userKey)
export const whenEnded = (f: () => void) => { onEnd = f }

export function remember(t: Tokens): void {
  csrf = t.csrf_token ?? csrf
  localStorage.setItem(expiresKey, String(Date.now() + t.expires_in * 1000))
  localStorage.setItem(userKey, t.user.id)
}

export function forget(): void {
  csrf = ''
  localStorage.removeItem(expiresKey)
  localStorage.removeItem(userKey)
}

// whenUserChanges calls back when another tab signs in or out.
export function whenUserChanges(f: () => void): void {
  addEventListener('storage', (e) => {
    if (e.key === userKey && e.newValue !== e.oldValue) f()
  })
}

const expiring = () => Date.now() > Number(localStorage.getItem(expiresKey)) - early

// fresh makes sure that the cookies are good for a while: for sockets, which cannot
// tell why they were refused. It is false when there is no session any more.
export async function fresh(): Promise<boolean> {
  return rememberedUser() !== null && (!expiring() || (await refresh(stamp())))
}

const stamp = () => localStorage.getItem(expiresKey)

// refresh exchanges the refresh token, unless somebody has done so since the stamp
// was seen; false: the session is over. Where the access token was refused, the session
// is asked for first: what another tab has stored may be seen late, its cookies at once.
function refresh(seen: string | null, refused = false): Promise<boolean> {
  refreshing ??= alone(async () => (refused && (await fetch(session)).ok) || exchange(seen)).finally(() => { refreshing = undefined })
  return refreshing
}

// alone runs in one tab at a time. Where a browser knows no locks, the server gives
// tabs that ask with the same token the same answer.
async function alone(f: () => Promise<boolean>): Promise<boolean> {
  return navigator.locks ? await navigator.locks.request('atelier.refresh', f) : f()
}

async function exchange(seen: string | null): Promise<boolean> {
  if (stamp() !== seen) return rememberedUser() !== null // another tab has done it
  const reply = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' })
  if (reply.ok) {
    remember((await reply.json()) as Tokens)
    return true
  }
  if (reply.status === 401 || reply.status === 403) return false
  throw new Error(`refresh answered ${reply.status}`)
}

// send is fetch with what a session needs: the token of writes, and a refresh where
// the access token has expired.
export async function send(request: Request): Promise<Response> {
  const signedIn = rememberedUser() !== null
  if (signedIn && expiring() && !(await refresh(stamp()))) return over(request)
  const seen = stamp()
  const again = request.clone()
  const reply = await fetch(signed(request))
  if (!signedIn || reply.status !== 401) return reply
  const { code } = (await reply.clone().json().catch(() => ({}))) as { code?: string }
  if (code === 'session_revoked') {
    end()
    return reply
  }
  if (code !== 'unauthenticated' && code !== 'token_expired' && code !== 'invalid_token') return reply
  if (await refresh(seen, true)) return fetch(signed(again))
  end()
  return reply
}

// over lets the server say it.
async function over(request: Request): Promise<Response> {
  const reply = await fetch(request)
  if (reply.status === 401) end()
  return reply
}

function end(): void {
  forget()
  onEnd()
}

function signed(request: Request): Request {
  if (request.method !== 'GET' && request.method !== 'HEAD') request.headers.set('X-CSRF-Token', csrf)
  return request
}
