import { useEffect, useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent } from 'react'
import { Listeners } from './listeners'

// Addresses of the page are those of the browser.

const listeners = new Listeners()
addEventListener('popstate', () => listeners.tell())
let moved = false // within the page: then the heading gets the focus

export const usePath = (): string => useSyncExternalStore(listeners.on, () => location.pathname)

export function navigate(to: string, replace = false): void {
  moved = true
  history[replace ? 'replaceState' : 'pushState'](null, '', to)
  scrollTo(0, 0)
  listeners.tell()
}

// next is where to go after a sign-in: an address of this page.
export function next(): string {
  const to = new URLSearchParams(location.search).get('next') ?? '/'
  return to.startsWith('/') && !/^\/[/\\]/.test(to) ? to : '/'
}

export function Link({ to, ...rest }: { to: string } & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'>) {
  const go = (e: MouseEvent) => {
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return
    e.preventDefault()
    navigate(to)
  }
  return <a href={to} onClick={go} {...rest} />
}

// useTitle names the page, and lets who listens know that it is another one.
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} · Atelier` : 'Atelier'
  }, [title])
  useEffect(() => {
    if (!moved || title === undefined) return
    moved = false
    if (!document.activeElement?.closest('main, dialog')) document.querySelector<HTMLElement>('main h1')?.focus()
  }, [title])
}
