import { useEffect, useState, useSyncExternalStore } from 'react'
import { api, ask, type Doc } from '../api'
import { join, type Editing, type Room, type State } from '../editor/connection'
import { Editor } from '../editor/editor'
import { useLoad } from '../load'
import { Failed, Skeleton } from '../parts/bits'
import { Rename } from '../parts/documents'
import { Button } from '../parts/form'
import { Presence } from '../parts/presence'
import { useFollow, useProject } from '../project'
import { Link, useTitle } from '../router'
import { useUser } from '../session'
import { Missing } from './missing'

export default function DocumentPage({ project, id }: { project: string; id: string }) {
  const p = useProject(project)
  const { data, problem, reload, change } = useLoad(`document/${id}`, () => ask(api.GET('/api/v1/documents/{document_id}', { params: { path: { document_id: id } } })))
  const [deleted, setDeleted] = useState(false)
  const { gone } = useFollow(p, { document: id }, {
    event(e) {
      const d = e.data as { document_id?: string; name?: string }
      if (d.document_id !== id) return
      if (e.type === 'document.renamed') change((old) => ({ ...old, name: d.name ?? old.name }))
      if (e.type === 'document.deleted') setDeleted(true)
    },
    reset: reload,
  })
  const lost = gone ?? (deleted ? 'The document was deleted.' : undefined)
  useTitle(lost ? 'Closed' : data?.name)
  if (lost) return <Missing title="Closed">{lost}</Missing>
  const trouble = problem ?? p.problem
  if (!data || !p.decided) {
    if (trouble?.status === 404) return <Missing>There is no such document, or you have no access to it.</Missing>
    return <main id="main">{trouble ? <Failed problem={trouble} retry={() => { reload(); p.reload() }} /> : <Skeleton lines={6} />}</main>
  }
  return <Open key={id} of={data} projectName={p.project?.name ?? 'Project'} can={p.can('edit_content')} renamed={(now) => change(() => now)} />
}

function useRoom(id: string, name: string): Room | undefined {
  const [room, setRoom] = useState<Room>()
  useEffect(() => {
    const joined = join(id, name)
    setRoom(joined)
    return () => joined.destroy()
  }, [id, name])
  return room
}

const never = () => () => {}

const nobody: Editing[] = []

function Open({ of: d, projectName, can, renamed }: { of: Doc; projectName: string; can: boolean; renamed: (now: Doc) => void }) {
  const me = useUser()
  const room = useRoom(d.id, me.name)
  const [renaming, setRenaming] = useState(false)
  const state = useSyncExternalStore<State>(room?.onChange ?? never, () => room?.state ?? 'opening')
  const unsaved = useSyncExternalStore(room?.onChange ?? never, () => room?.unsaved ?? false)
  const others = useSyncExternalStore(room?.onChange ?? never, () => room?.others ?? nobody)
  const connected = state === 'saved' || state === 'saving'
  const refused = state === 'refused'
  useEffect(() => {
    if (!unsaved) return
    const ask = (e: BeforeUnloadEvent) => e.preventDefault()
    addEventListener('beforeunload', ask)
    return () => removeEventListener('beforeunload', ask)
  }, [unsaved])
  const [opened, setOpened] = useState(false)
  useEffect(() => {
    if (room && state !== 'opening' && (state !== 'offline' || room.text.length > 0)) setOpened(true)
  }, [room, state])
  return (
    <main id="main" className="document">
      <p className="crumbs"><Link to={`/projects/${d.project_id}`}>{projectName}</Link></p>
      <div className="heading">
        <h1 tabIndex={-1}>{d.name}</h1>
        <Badge state={state} unsaved={unsaved} can={can} />
        {connected && <Presence here={[{ user_id: me.id, name: me.name }, ...others.filter((o) => o.user_id !== me.id)]} />}
        {can && <Button kind="quiet" onClick={() => setRenaming(true)}>Rename</Button>}
      </div>
      {refused && (
        <div className="wrong" role="alert">
          <p>{room?.reason}{unsaved && ' What you wrote last was not saved; copy it from here if you need it.'}</p>
        </div>
      )}
      {room && opened ? <Editor room={room} name={d.name} can={can && !refused} /> : state === 'offline'
        ? <p className="notice">The document cannot be opened without a connection. It opens as soon as there is one.</p>
        : <Skeleton lines={8} />}
      {renaming && <Rename of={d} onClose={() => setRenaming(false)} renamed={renamed} />}
    </main>
  )
}

// Badge says whether what is seen here is safe.
function Badge({ state, unsaved, can }: { state: State; unsaved: boolean; can: boolean }) {
  const [kind, text] = state === 'opening' ? ['busy', 'Opening…']
    : state === 'refused' ? ['bad', 'Closed']
      : state === 'offline' ? ['bad', unsaved ? 'Offline, kept here' : 'Offline']
        : !can ? ['calm', 'Read-only']
          : state === 'saving' ? ['busy', 'Saving…'] : ['good', 'Saved']
  return <span className={`badge ${kind}`} role="status" data-testid="badge">{text}</span>
}
