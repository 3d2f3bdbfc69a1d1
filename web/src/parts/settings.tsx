import { useState } from 'react'
import { api, ask, type Project } from '../api'
import { useAction } from '../load'
import type { Right } from '../project'
import { navigate } from '../router'
import { Confirm, FormDialog } from './dialog'
import { Button, Field, TextArea, Wrong } from './form'
import { say } from './say'

const moves = {
  draft: { path: '/api/v1/projects/{project_id}/activate', action: 'Activate', done: 'The project is active.' },
  active: { path: '/api/v1/projects/{project_id}/archive', action: 'Archive', done: 'The project is archived.' },
  archived: { path: '/api/v1/projects/{project_id}/restore', action: 'Restore', done: 'The project is active again.' },
} as const

export function Settings({ project: p, can, onClose, changed }: { project: Project; can: (right: Right) => boolean; onClose: () => void; changed: (now: Project) => void }) {
  const [name, setName] = useState(p.name)
  const [description, setDescription] = useState(p.description)
  const [isPublic, setPublic] = useState(p.settings.public)
  const [most, setMost] = useState(String(p.settings.max_collaborators))
  const [deleting, setDeleting] = useState(false)
  const path = { params: { path: { project_id: p.id } } }
  const submit = async () => {
    const settings = can('manage_settings') ? { settings: { public: isPublic, max_collaborators: Number(most) } } : {}
    changed(await ask(api.PATCH('/api/v1/projects/{project_id}', { ...path, body: { name: name.trim(), description: description.trim(), ...settings } })))
    say('The settings are saved.')
  }
  const remove = async () => {
    await ask(api.DELETE('/api/v1/projects/{project_id}', path))
    navigate('/')
    say(`${p.name} was deleted.`)
  }
  if (deleting) return <Confirm title="Delete the project?" action="Delete it" onClose={onClose} act={remove}>“{p.name}” goes with its documents and its activity, for everybody. This cannot be undone.</Confirm>
  const edit = can('edit_project')
  return (
    <FormDialog title="Settings of the project" action={edit ? 'Save' : undefined} onClose={onClose} submit={submit} fields={(at) => (
      <>
        <Field label="Name" maxLength={100} value={name} readOnly={!edit} onChange={(e) => setName(e.target.value)} error={at('name')} />
        <TextArea label="Description" maxLength={500} value={description} readOnly={!edit} onChange={(e) => setDescription(e.target.value)} error={at('description')} />
        {can('manage_settings') && (
          <>
            <Field label="Most members beside the owner" type="number" inputMode="numeric" min={0} max={10000} value={most} onChange={(e) => setMost(e.target.value)} error={at('max_collaborators')} />
            <label className="check"><input type="checkbox" checked={isPublic} onChange={(e) => setPublic(e.target.checked)} /> Anyone may read it, without an account too</label>
          </>
        )}
      </>
    )}>
      {(can('archive') || can('delete')) && (
        <div className="dialog-more">
          {can('archive') && <Move project={p} changed={changed} onClose={onClose} />}
          {can('delete') && <Button kind="danger" onClick={() => setDeleting(true)}>Delete the project…</Button>}
        </div>
      )}
    </FormDialog>
  )
}

// Move is the one step that the project's state allows.
function Move({ project: p, changed, onClose }: { project: Project; changed: (now: Project) => void; onClose: () => void }) {
  const move = moves[p.status]
  const { run, busy, problem } = useAction(async () => {
    changed(await ask(api.POST(move.path, { params: { path: { project_id: p.id } } })))
    onClose()
    say(move.done)
  })
  return (
    <>
      <Button busy={busy} onClick={() => void run()}>{move.action}</Button>
      <Wrong problem={problem} />
    </>
  )
}
