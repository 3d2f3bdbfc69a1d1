import { lazy, Suspense, useEffect, type ReactNode } from 'react'
import { Skeleton } from './parts/bits'
import { Button } from './parts/form'
import { Frame } from './parts/frame'
import { Said } from './parts/say'
import { Missing } from './pages/missing'
import { ProjectPage } from './pages/project'
import { Projects } from './pages/projects'
import { ForgotPassword, Register, SignIn } from './pages/sign-in'
import { navigate, next, usePath } from './router'
import { findSession, useSession } from './session'

const DocumentPage = lazy(() => import('./pages/document'))

const id = '([0-9a-fA-F-]{36})'
const strangers: Record<string, () => ReactNode> = { '/sign-in': SignIn, '/register': Register, '/forgot-password': ForgotPassword }

export function App() {
  const session = useSession()
  const path = usePath()
  const stranger = Object.hasOwn(strangers, path) ? strangers[path] : undefined
  const to = session.state === 'out' && !stranger && known(path) ? `/sign-in${path === '/' ? '' : `?next=${encodeURIComponent(path)}`}`
    : session.state === 'in' && stranger ? next() : undefined
  useEffect(() => {
    if (to) navigate(to, true)
  }, [to])

  if (session.state === 'unknown') return <div className="opening" role="status" aria-label="Loading" />
  if (session.state === 'failed') {
    return (
      <main className="door">
        <h1>Atelier</h1>
        <p role="alert">{session.problem.message}</p>
        <Button kind="primary" onClick={() => void findSession()}>Try again</Button>
      </main>
    )
  }
  if (to) return null
  const Stranger = stranger
  return (
    <>
      {Stranger ? <Stranger /> : session.state === 'in' ? <Frame><Page path={path} /></Frame> : <Missing />}
      <Said />
    </>
  )
}

const project = new RegExp(`^/projects/${id}$`)
const document_ = new RegExp(`^/projects/${id}/documents/${id}$`)
const known = (path: string) => path === '/' || project.test(path) || document_.test(path)

function Page({ path }: { path: string }) {
  if (path === '/') return <Projects />
  const p = project.exec(path)
  if (p) return <ProjectPage key={p[1]} id={p[1]!} />
  const d = document_.exec(path)
  if (d) return <Suspense fallback={<main id="main"><Skeleton lines={6} /></main>}><DocumentPage key={d[2]} project={d[1]!} id={d[2]!} /></Suspense>
  return <Missing />
}
