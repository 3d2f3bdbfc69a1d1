import { Link, useTitle } from '../router'

export function Missing({ title = 'Nothing here', children }: { title?: string; children?: string }) {
  useTitle(title)
  return (
    <main id="main" className="door">
      <h1 tabIndex={-1}>{title}</h1>
      <p>{children ?? 'There is no page at this address.'}</p>
      <Link to="/" className="button primary">To your projects</Link>
    </main>
  )
}
