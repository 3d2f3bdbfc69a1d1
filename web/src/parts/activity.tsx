import type { ReactNode } from 'react'
import { api, ask, type Event } from '../api'
import type { Position } from '../live'
import { useList, type List } from '../load'
import { useNames, type NameOf } from '../names'
import { nameOfRole } from '../roles'
import { Avatar, Failed, More, Skeleton, Time } from './bits'

export interface ActivityList extends List<Event> { take(e: Event): void }

export function useActivity(project: string, at: Position | undefined): ActivityList {
  const list = useList<Event>(at && `activity/${project}`, (cursor) => ask(api.GET('/api/v1/projects/{project_id}/activity', { params: { path: { project_id: project }, query: { limit: 30, cursor } } })))
  const take = (e: Event) => list.change((old) => (e.seq > (old.items[0]?.seq ?? 0) ? { ...old, items: [e, ...old.items] } : old))
  return { ...list, take }
}

export function Activity({ list: { items, problem, reload, more } }: { list: ActivityList }) {
  const nameOf = useNames()
  return (
    <section className="activity" aria-labelledby="activity">
      <div className="section-head"><h2 id="activity">Activity</h2></div>
      {problem && !items ? <Failed problem={problem} retry={reload} /> : !items ? <Skeleton lines={5} /> : (
        <ol className="events" aria-live="polite" aria-relevant="additions">
          {items.map((e) => (
            <li key={e.seq} className="event">
              <Avatar id={e.actor_id} name={nameOf(e.actor_id)} small />
              <p><strong>{nameOf(e.actor_id)}</strong> {what(e, nameOf)} <span className="quiet-text"><Time at={e.occurred_at} /></span></p>
            </li>
          ))}
        </ol>
      )}
      <More more={more} />
    </section>
  )
}

const named = (name: unknown): ReactNode => <em>{String(name ?? '')}</em>

// what is the rest of a sentence that begins with who did it.
function what(e: Event, nameOf: NameOf): ReactNode {
  const d = e.data as Record<string, string | undefined>
  const user = nameOf(d.user_id)
  const self = d.user_id === e.actor_id
  switch (e.type) {
    case 'project.created': return 'created the project'
    case 'project.updated': return d.name ? <>renamed the project to {named(d.name)}</> : 'changed the description'
    case 'project.settings_changed': return 'changed the settings'
    case 'project.activated': return 'activated the project'
    case 'project.archived': return 'archived the project'
    case 'project.restored': return 'restored the project'
    case 'project.collaborator_added': return self ? 'joined' : <>added {user} as {nameOfRole(d.role ?? '').toLowerCase()}</>
    case 'project.collaborator_removed': return self ? 'left' : <>removed {user}</>
    case 'project.role_changed': return <>made {user} {nameOfRole(d.role ?? '').toLowerCase()}</>
    case 'project.invitation_created': return <>invited somebody as {nameOfRole(d.role ?? '').toLowerCase()}</>
    case 'project.invitation_accepted': return 'accepted an invitation'
    case 'project.invitation_declined': return 'declined an invitation'
    case 'project.invitation_revoked': return 'took back an invitation'
    case 'project.ownership_offered': return <>offered the project to {user}</>
    case 'project.ownership_declined': return 'ended the offer of the project'
    case 'project.ownership_transferred': return <>became the owner</>
    case 'document.created': return <>began {named(d.name)}</>
    case 'document.renamed': return <>renamed a document to {named(d.name)}</>
    case 'document.deleted': return 'deleted a document'
    case 'document.version_created': return <>kept the version {named(d.name)}</>
    case 'document.restored': return 'restored a version of a document'
    default: return e.type.replaceAll(/[._]/g, ' ')
  }
}
