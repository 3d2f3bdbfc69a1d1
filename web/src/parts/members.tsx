import { useState } from 'react'
import { api, ask, type Collaborator, type Invitation, type Project, type Role } from '../api'
import { useAction, useList, useLoad, type List } from '../load'
import type { Position, Present } from '../live'
import { know, useNames } from '../names'
import { nameOfRole, roleName, roles } from '../roles'
import { navigate } from '../router'
import { useUser } from '../session'
import { Avatar, Failed, More, Skeleton, Time } from './bits'
import { Confirm, FormDialog } from './dialog'
import { Button, Field, Select, Wrong } from './form'
import { say } from './say'

export function useMembers(project: string, at: Position | undefined): List<Collaborator> {
  return useList<Collaborator>(at && `members/${project}`, async (cursor) => {
    const page = await ask(api.GET('/api/v1/projects/{project_id}/collaborators', { params: { path: { project_id: project }, query: { limit: 50, cursor } } }))
    know(page.items.map((m) => m.user))
    return page
  })
}

export function Members({ project, list, can, here }: { project: Project; list: List<Collaborator>; can: boolean; here: Present[] }) {
  const me = useUser()
  const nameOf = useNames()
  const [adding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<Collaborator>()
  const [invited, setInvited] = useState(0) // so many: the list is read anew
  const { items, problem, reload, more, change } = list
  const without = (user: string) => change((old) => ({ ...old, items: old.items.filter((m) => m.user_id !== user) }))
  const owner = project.owner_id
  const ownerName = owner === me.id ? me.name : nameOf(owner)
  const present = (user: string) => here.some((p) => p.user_id === user)
  return (
    <section aria-labelledby="members">
      <div className="section-head">
        <h2 id="members">Members</h2>
        {can && <Button onClick={() => setAdding(true)}>Add a member</Button>}
      </div>
      {problem && !items ? <Failed problem={problem} retry={reload} /> : !items ? <Skeleton /> : (
        <ul className="rows">
          <li className="row">
            <Face id={owner} name={ownerName} here={present(owner)} />
            <div className="row-main"><p>{ownerName}{owner === me.id && <span className="quiet-text"> (you)</span>}</p></div>
            <span className="role">Owner</span>
          </li>
          {items.map((m) => (
            <Row key={m.user_id} of={m} mine={m.user_id === me.id} can={can} present={present(m.user_id)} remove={() => setRemoving(m)}
              changed={(now) => change((old) => ({ ...old, items: old.items.map((i) => (i.user_id === now.user_id ? now : i)) }))} />
          ))}
        </ul>
      )}
      <More more={more} />
      {can && <Invitations key={invited} project={project.id} />}
      {adding && <Add project={project} onClose={() => setAdding(false)} invited={() => setInvited((n) => n + 1)} added={(m) => change((old) => ({ ...old, items: [m, ...old.items.filter((i) => i.user_id !== m.user_id)] }))} />}
      {removing && <Remove of={removing} mine={removing.user_id === me.id} onClose={() => setRemoving(undefined)} removed={() => without(removing.user_id)} />}
    </section>
  )
}

function Face({ id, name, here }: { id: string; name: string; here: boolean }) {
  return <span className={here ? 'face here' : 'face'}><Avatar id={id} name={name} />{here && <span className="visually-hidden">Here now</span>}</span>
}

function Row({ of: m, mine, can, present, remove, changed }: { of: Collaborator; mine: boolean; can: boolean; present: boolean; remove: () => void; changed: (now: Collaborator) => void }) {
  const { run, busy, problem } = useAction(async (role: Role) => {
    changed(await ask(api.PATCH('/api/v1/projects/{project_id}/collaborators/{user_id}', { params: { path: { project_id: m.project_id, user_id: m.user_id } }, body: { role } })))
    say(`${m.user.name} is ${roleName[role].toLowerCase()} now.`)
  })
  return (
    <li className="row">
      <Face id={m.user_id} name={m.user.name} here={present} />
      <div className="row-main">
        <p>{m.user.name}{mine && <span className="quiet-text"> (you)</span>}</p>
        <Wrong problem={problem} />
      </div>
      {can && !mine ? (
        <select className="role-select" aria-label={`Role of ${m.user.name}`} value={m.role} disabled={busy} onChange={(e) => void run(e.target.value as Role)}>
          {roles.map((r) => <option key={r.role} value={r.role}>{roleName[r.role]}</option>)}
        </select>
      ) : <span className="role">{nameOfRole(m.role)}</span>}
      {mine ? <Button kind="quiet" onClick={remove}>Leave</Button> : can && <Button kind="quiet" onClick={remove} aria-label={`Remove ${m.user.name}`}>Remove</Button>}
    </li>
  )
}

function Remove({ of: m, mine, onClose, removed }: { of: Collaborator; mine: boolean; onClose: () => void; removed: () => void }) {
  const act = async () => {
    await ask(api.DELETE('/api/v1/projects/{project_id}/collaborators/{user_id}', { params: { path: { project_id: m.project_id, user_id: mine ? 'me' : m.user_id } } }))
    removed()
    if (mine) navigate('/')
    say(mine ? 'You have left the project.' : `${m.user.name} was removed.`)
  }
  return mine
    ? <Confirm title="Leave the project?" action="Leave" onClose={onClose} act={act}>You lose access at once. Somebody who manages the members can add you again.</Confirm>
    : <Confirm title={`Remove ${m.user.name}?`} action="Remove" onClose={onClose} act={act}>Access ends at once, in open documents too. What {m.user.name} has written stays.</Confirm>
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function Add({ project, onClose, invited, added }: { project: Project; onClose: () => void; invited: () => void; added: (m: Collaborator) => void }) {
  const [who, setWho] = useState('')
  const [role, setRole] = useState<Role>('collaborator')
  const submit = async () => {
    const text = who.trim()
    const path = { params: { path: { project_id: project.id } } }
    if (uuid.test(text)) {
      const m = await ask(api.POST('/api/v1/projects/{project_id}/collaborators', { ...path, body: { user_id: text.toLowerCase(), role } }))
      know([m.user])
      added(m)
      say(`${m.user.name} was added.`)
    } else {
      await ask(api.POST('/api/v1/projects/{project_id}/invitations', { ...path, body: { email: text, role } }))
      invited()
      say(`An invitation to ${text} is on its way.`)
    }
  }
  return (
    <FormDialog title="Add a member" action="Add" onClose={onClose} submit={submit} fields={(at) => (
      <>
        <Field label="E-mail or user id" hint="An address gets an invitation; an id, which everyone finds under the own account, is added at once." autoFocus autoComplete="off" spellCheck={false}
          value={who} onChange={(e) => setWho(e.target.value)} error={at('email') ?? at('user_id')} />
        <Select label="Role" value={role} onChange={(e) => setRole(e.target.value as Role)} error={at('role')}>
          {roles.map((r) => <option key={r.role} value={r.role}>{roleName[r.role]}: {r.can}</option>)}
        </Select>
      </>
    )} />
  )
}

// Invitations are those that nobody has answered yet.
function Invitations({ project }: { project: string }) {
  const { data, change } = useLoad(`invitations/${project}`, () => ask(api.GET('/api/v1/projects/{project_id}/invitations', { params: { path: { project_id: project }, query: { limit: 100 } } })))
  if (!data || data.items.length === 0) return null
  return (
    <>
      <h3>Invited</h3>
      <ul className="rows">{data.items.map((i) => <Invited key={i.id} of={i} gone={() => change((old) => ({ ...old, items: old.items.filter((o) => o.id !== i.id) }))} />)}</ul>
    </>
  )
}

function Invited({ of: i, gone }: { of: Invitation; gone: () => void }) {
  const { run, busy, problem } = useAction(async () => {
    await ask(api.DELETE('/api/v1/projects/{project_id}/invitations/{invitation_id}', { params: { path: { project_id: i.project_id, invitation_id: i.id } } }))
    gone()
    say(`The invitation to ${i.email} was taken back.`)
  })
  return (
    <li className="row">
      <div className="row-main">
        <p>{i.email}</p>
        <p className="quiet-text">{roleName[i.role]}, ends <Time at={i.expires_at} /></p>
        <Wrong problem={problem} />
      </div>
      <Button kind="quiet" busy={busy} onClick={() => void run()} aria-label={`Take back the invitation to ${i.email}`}>Take back</Button>
    </li>
  )
}
