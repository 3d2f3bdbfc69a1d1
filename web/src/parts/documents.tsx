import { useState } from 'react'
import { api, ask, type Doc, type Event } from '../api'
import { useList, type List } from '../load'
import type { Position, Present } from '../live'
import { useNames } from '../names'
import { Link, navigate } from '../router'
import { Avatar, Empty, Failed, More, Skeleton, Time } from './bits'
import { Confirm, FormDialog } from './dialog'
import { Button, Field } from './form'

export interface DocumentList extends List<Doc> { take(e: Event): void }

export function useDocuments(project: string, at: Position | undefined): DocumentList {
  const list = useList<Doc>(at && `documents/${project}`, (cursor) => ask(api.GET('/api/v1/projects/{project_id}/documents', { params: { path: { project_id: project }, query: { limit: 50, cursor } } })))
  const take = (e: Event) => list.change((old) => ({ ...old, items: changed(old.items, e) }))
  return { ...list, take }
}

function changed(items: Doc[], e: Event): Doc[] {
  const d = e.data as { document_id?: string; name?: string; created_by?: string }
  switch (e.type) {
    case 'document.created':
      if (items.some((i) => i.id === d.document_id)) return items
      return [{ id: d.document_id!, project_id: e.project_id, name: d.name ?? '', version: 1, created_by: d.created_by ?? e.actor_id, created_at: e.occurred_at, updated_at: e.occurred_at }, ...items]
    case 'document.renamed':
      return items.map((i) => (i.id === d.document_id ? { ...i, name: d.name ?? i.name } : i))
    case 'document.deleted':
      return items.filter((i) => i.id !== d.document_id)
    default:
      return items
  }
}

export function Documents({ project, list, can, here }: { project: string; list: DocumentList; can: boolean; here: Present[] }) {
  const [asking, setAsking] = useState<{ what: 'make' } | { what: 'rename' | 'delete'; of: Doc }>()
  const close = () => setAsking(undefined)
  const { items, problem, reload, more } = list
  return (
    <section aria-labelledby="documents">
      <div className="section-head">
        <h2 id="documents">Documents</h2>
        {can && <Button onClick={() => setAsking({ what: 'make' })}>New document</Button>}
      </div>
      {problem && !items ? <Failed problem={problem} retry={reload} /> : !items ? <Skeleton /> : items.length === 0 ? (
        <Empty title="No documents yet">{can ? <p>Begin one: everybody in the project can open it, and editors write in it together.</p> : <p>Editors can begin one.</p>}</Empty>
      ) : (
        <ul className="rows">
          {items.map((d) => <Row key={d.id} of={d} project={project} can={can} here={here} rename={() => setAsking({ what: 'rename', of: d })} remove={() => setAsking({ what: 'delete', of: d })} />)}
        </ul>
      )}
      <More more={more} />
      {asking?.what === 'make' && <NewDocument project={project} onClose={close} />}
      {asking?.what === 'rename' && <Rename of={asking.of} onClose={close} renamed={(now) => list.change((old) => ({ ...old, items: old.items.map((i) => (i.id === now.id ? now : i)) }))} />}
      {asking?.what === 'delete' && (
        <Confirm title="Delete the document?" action="Delete it" onClose={close} act={async () => {
          await ask(api.DELETE('/api/v1/documents/{document_id}', { params: { path: { document_id: asking.of.id } } }))
          list.change((old) => ({ ...old, items: old.items.filter((i) => i.id !== asking.of.id) }))
        }}>
          “{asking.of.name}” goes with everything in it, for everybody. This cannot be undone.
        </Confirm>
      )}
    </section>
  )
}

function Row({ of: d, project, can, here, rename, remove }: { of: Doc; project: string; can: boolean; here: Present[]; rename: () => void; remove: () => void }) {
  const nameOf = useNames()
  const inside = here.filter((p) => p.state?.document === d.id)
  return (
    <li className="row">
      <div className="row-main">
        <p><Link to={`/projects/${project}/documents/${d.id}`} className="row-title">{d.name}</Link></p>
        <p className="quiet-text">by {nameOf(d.created_by)}, <Time at={d.created_at} /></p>
      </div>
      {inside.length > 0 && <span className="presence-faces" title={`Open with ${inside.map((p) => p.name).join(', ')}`}>{inside.slice(0, 3).map((p) => <Avatar key={p.user_id} id={p.user_id} name={p.name} small />)}</span>}
      {can && (
        <span className="row-actions">
          <Button kind="quiet" onClick={rename} aria-label={`Rename ${d.name}`}>Rename</Button>
          <Button kind="quiet" onClick={remove} aria-label={`Delete ${d.name}`}>Delete</Button>
        </span>
      )}
    </li>
  )
}

function NewDocument({ project, onClose }: { project: string; onClose: () => void }) {
  const [name, setName] = useState('')
  const submit = async () => {
    const made = await ask(api.POST('/api/v1/projects/{project_id}/documents', { params: { path: { project_id: project } }, body: { name: name.trim() } }))
    navigate(`/projects/${project}/documents/${made.id}`)
  }
  return (
    <FormDialog title="New document" action="Create the document" onClose={onClose} submit={submit} fields={(at) => (
      <Field label="Name" maxLength={200} autoFocus autoComplete="off" value={name} onChange={(e) => setName(e.target.value)} error={at('name')} />
    )} />
  )
}

export function Rename({ of: d, onClose, renamed }: { of: Doc; onClose: () => void; renamed: (now: Doc) => void }) {
  const [name, setName] = useState(d.name)
  const submit = async () => renamed(await ask(api.PATCH('/api/v1/documents/{document_id}', { params: { path: { document_id: d.id } }, body: { name: name.trim() } })))
  return (
    <FormDialog title="Rename the document" action="Rename it" onClose={onClose} submit={submit} fields={(at) => (
      <Field label="Name" maxLength={200} autoFocus autoComplete="off" value={name} onChange={(e) => setName(e.target.value)} error={at('name')} />
    )} />
  )
}
