import { useCallback, useRef, useState } from 'react'
import type { Event } from '../api'
import { Activity, useActivity } from '../parts/activity'
import { Failed, Skeleton } from '../parts/bits'
import { Documents, useDocuments } from '../parts/documents'
import { Members, useMembers } from '../parts/members'
import { Presence } from '../parts/presence'
import { Settings } from '../parts/settings'
import { Button } from '../parts/form'
import { useFollow, useProject } from '../project'
import { useTitle } from '../router'
import { Missing } from './missing'
import { Status } from './projects'

export function ProjectPage({ id }: { id: string }) {
  const p = useProject(id)
  const documents = useDocuments(id, p.at)
  const members = useMembers(id, p.at)
  const activity = useActivity(id, p.at)
  const soon = useSoon(members.reload)
  const event = (e: Event) => {
    documents.take(e)
    activity.take(e)
    if (/collaborator|role_changed|ownership|invitation/.test(e.type)) soon()
  }
  const reset = () => {
    documents.reload()
    members.reload()
    activity.reload()
  }
  const { here, gone } = useFollow(p, {}, { event, reset })
  const [settings, setSettings] = useState(false)
  useTitle(gone ? 'Closed' : p.project?.name)
  if (gone) return <Missing title="Closed">{gone}</Missing>
  if (!p.project) {
    if (p.problem?.status === 404) return <Missing>There is no such project, or you have no access to it.</Missing>
    return <main id="main">{p.problem ? <Failed problem={p.problem} retry={p.reload} /> : <Skeleton lines={6} />}</main>
  }
  const { project } = p
  return (
    <main id="main" className="project">
      <div className="heading">
        <div>
          <h1 tabIndex={-1}>{project.name}</h1>
          <p className="heading-note">
            <Status of={project.status} />
            {project.settings.public && <span>Public: anyone may read it</span>}
            {project.status === 'archived' && <span>Nothing in it can be changed</span>}
          </p>
        </div>
        <Presence here={here} />
        {(p.can('edit_project') || p.can('archive') || p.can('delete')) && <Button onClick={() => setSettings(true)}>Settings</Button>}
      </div>
      {project.description && <p className="description">{project.description}</p>}
      <div className="columns">
        <div className="column">
          <Documents project={id} list={documents} can={p.can('edit_content')} here={here} />
          <Members project={project} list={members} can={p.can('manage_members')} here={here} />
        </div>
        <Activity list={activity} />
      </div>
      {settings && <Settings project={project} can={p.can} onClose={() => setSettings(false)} changed={(now) => p.change(() => now)} />}
    </main>
  )
}

// useSoon runs f once for all that happens without a pause.
function useSoon(f: () => void): () => void {
  const timer = useRef(0)
  const latest = useRef(f)
  latest.current = f
  return useCallback(() => {
    clearTimeout(timer.current)
    timer.current = window.setTimeout(() => latest.current(), 400)
  }, [])
}

