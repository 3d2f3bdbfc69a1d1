import { useState } from 'react'
import { api, ask, type Invited, type Project } from '../api'
import { useAction, useList, useLoad } from '../load'
import { Empty, Failed, More, plural, Skeleton, Time } from '../parts/bits'
import { FormDialog } from '../parts/dialog'
import { Button, Field, TextArea, Wrong } from '../parts/form'
import { say } from '../parts/say'
import { roleName } from '../roles'
import { Link, navigate, useTitle } from '../router'
import { useUser } from '../session'

const statuses = { draft: 'Draft', active: 'Active', archived: 'Archived' }
export const Status = ({ of }: { of: Project['status'] }) => <span className={`status ${of}`}>{statuses[of]}</span>

export function Projects() {
  useTitle('Projects')
  const [making, setMaking] = useState(false)
  const { items, more, problem, reload } = useList('projects', (cursor) => ask(api.GET('/api/v1/projects', { params: { query: { limit: 30, cursor, sort: '-updated_at' } } })))
  return (
    <main id="main">
      <div className="heading">
        <h1 tabIndex={-1}>Projects</h1>
        <Button kind="primary" onClick={() => setMaking(true)}>New project</Button>
      </div>
      <Invitations joined={reload} />
      {problem && !items ? <Failed problem={problem} retry={reload} /> : !items ? <Skeleton lines={4} /> : items.length === 0 ? (
        <Empty title="No projects yet">
          <p>A project holds the people you work with and the documents you write together.</p>
        </Empty>
      ) : (
        <ul className="cards">{items.map((p) => <Card key={p.id} project={p} />)}</ul>
      )}
      <More more={more} />
      {making && <NewProject onClose={() => setMaking(false)} />}
    </main>
  )
}

function Card({ project: p }: { project: Project }) {
  const me = useUser()
  return (
    <li className="card">
      <h2><Link to={`/projects/${p.id}`}>{p.name}</Link></h2>
      <p className="card-text">{p.description}</p>
      <p className="card-foot">
        {p.status !== 'draft' && <Status of={p.status} />}
        <span>{plural(p.collaborator_count + 1, 'person', 'people')}</span>
        {p.owner_id !== me.id && <span>Shared with you</span>}
        {p.settings.public && <span>Public</span>}
        <span className="card-time">Changed <Time at={p.updated_at} /></span>
      </p>
    </li>
  )
}

function NewProject({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const submit = async () => {
    const made = await ask(api.POST('/api/v1/projects', { body: { name: name.trim(), description: description.trim() } }))
    navigate(`/projects/${made.id}`)
  }
  return (
    <FormDialog title="New project" action="Create the project" onClose={onClose} submit={submit} fields={(at) => (
      <>
        <Field label="Name" name="name" maxLength={100} autoFocus autoComplete="off" value={name} onChange={(e) => setName(e.target.value)} error={at('name')} />
        <TextArea label="Description" hint="What it is about; you can leave it empty." maxLength={500} value={description} onChange={(e) => setDescription(e.target.value)} error={at('description')} />
      </>
    )} />
  )
}

// Invitations are those that wait for the user's own address.
function Invitations({ joined }: { joined: () => void }) {
  const { data, change } = useLoad('invitations', () => ask(api.GET('/api/v1/users/me/invitations', { params: { query: { limit: 100 } } })))
  if (!data || data.items.length === 0) return null
  const gone = (id: string) => change((old) => ({ ...old, items: old.items.filter((i) => i.id !== id) }))
  return (
    <section className="invitations" aria-labelledby="invitations">
      <h2 id="invitations">You are invited</h2>
      <ul className="rows">{data.items.map((i) => <Invitation key={i.id} of={i} gone={gone} joined={joined} />)}</ul>
    </section>
  )
}

function Invitation({ of: i, gone, joined }: { of: Invited; gone: (id: string) => void; joined: () => void }) {
  const params = { params: { path: { token: i.token ?? '' } } }
  const accept = useAction(async () => {
    await ask(api.POST('/api/v1/invitations/{token}/accept', params))
    gone(i.id)
    joined()
    navigate(`/projects/${i.project_id}`)
  })
  const decline = useAction(async () => {
    await ask(api.POST('/api/v1/invitations/{token}/decline', params))
    gone(i.id)
    say(`You have declined the invitation to ${i.project_name}.`)
  })
  return (
    <li className="row">
      <div className="row-main">
        <p><strong>{i.project_name}</strong></p>
        <p className="quiet-text">as {roleName[i.role].toLowerCase()}; the invitation ends <Time at={i.expires_at} /></p>
        <Wrong problem={accept.problem ?? decline.problem} />
      </div>
      <Button busy={decline.busy} onClick={() => void decline.run()} aria-label={`Decline the invitation to ${i.project_name}`}>Decline</Button>
      <Button kind="primary" busy={accept.busy} onClick={() => void accept.run()} aria-label={`Join ${i.project_name}`}>Join</Button>
    </li>
  )
}
