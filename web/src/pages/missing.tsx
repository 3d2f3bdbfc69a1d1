import { Link, useTitle } from '../router'

export function Missing({ children }: { children?: string }) {
  useTitle('Not found')
  return (
    <main id="main" className="door">
      <h1 tabIndex={-1}>Nothing here</h1>
      <p>{children ?? 'There is no page at this address.'}</p>
      <Link to="/" className="button primary">To your projects</Link>
    </main>
  )
}
