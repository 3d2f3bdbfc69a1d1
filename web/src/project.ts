import { useCallback, useEffect, useMemo, useState } from 'react'
import { api, ask, askWhole, type Event, type Project } from './api'
import { live, useStatus, useWatch } from './connection'
import { useLoad } from './load'
import { know } from './names'
import type { LiveEvent, Position, Present } from './live'
import type { Problem } from './problem'
import { useUser } from './session'

export type Right = 'edit_content' | 'edit_project' | 'manage_settings' | 'manage_members' | 'archive' | 'delete'

export interface Shown {
  id: string
  project?: Project
  at?: Position // of what is shown
  problem?: Problem
  role: string
  can(right: Right): boolean
  decided: boolean // can knows
  reload(): void
  change(f: (old: Project) => Project): void
}

// useProject is a project, and what the user may do in it.
export function useProject(id: string): Shown {
  const path = { params: { path: { project_id: id } } }
  const { data, problem, reload, change } = useLoad(`project/${id}`, async () => {
    const { data: project, headers } = await askWhole(api.GET('/api/v1/projects/{project_id}', path))
    return { project, at: position(headers.get('Atelier-Position')) }
  })
  const rights = useLoad(`rights/${id}`, () => ask(api.GET('/api/v1/projects/{project_id}/permissions', path)))
  const changeProject = useCallback((f: (old: Project) => Project) => change((old) => ({ ...old, project: f(old.project) })), [change])
  const allowed = useMemo(() => new Set(rights.data?.rights.filter((r) => r.allowed).map((r) => r.right)), [rights.data])
  return {
    id, project: data?.project, at: data?.at, role: rights.data?.role ?? '', can: (right) => allowed.has(right), decided: rights.data !== undefined,
    problem: problem ?? rights.problem, change: changeProject,
    reload() {
      reload()
      rights.reload()
    },
  }
}

// useFollow follows it live. Lists that are read once its position is known, and then
// take what happens, show all of it. Who is here is told, and why there is no access any more.
export function useFollow(p: Shown, doing: Record<string, unknown>, told: { event?(e: Event): void; reset?(): void }): { here: Present[]; gone?: string } {
  const me = useUser()
  const [here, setHere] = useState<Present[]>([])
  const [gone, setGone] = useState<string>()
  useWatch(p.id, p.at, {
    event(e) {
      const event = eventOf(e)
      if (event.type === 'project.deleted') setGone('The project was deleted.')
      p.change((old) => applied(old, event))
      if (touchesRights(event, me.id)) p.reload()
      told.event?.(event)
    },
    presence(all) {
      know(all.map((one) => ({ id: one.user_id, name: one.name })))
      setHere(all)
    },
    role(role) {
      if (p.decided && role !== p.role) p.reload()
    },
    reset() {
      p.reload()
      told.reset?.()
    },
    revoked() {
      setGone((old) => old ?? 'The project was deleted, or you have no access to it any more.')
    },
  })
  const state = JSON.stringify(doing)
  const known = p.at !== undefined
  useEffect(() => {
    if (known) live.present(p.id, JSON.parse(state) as Record<string, unknown>)
  }, [p.id, state, known])
  const status = useStatus()
  return { here: status === 'offline' || status === 'stopped' ? nobody : here, gone } // who knows
}

const nobody: Present[] = []

function position(text: string | null): Position | undefined {
  const [log, seq] = (text ?? '').split(':')
  return log && seq ? { log, seq: Number(seq) } : undefined
}

function eventOf(e: LiveEvent): Event {
  return { id: `${e.p}:${e.s}`, type: e.t, project_id: e.p, seq: e.s, actor_id: e.by ?? '', occurred_at: e.at, data: e.d ?? {} }
}

function applied(p: Project, e: Event): Project {
  const d = e.data as Record<string, never>
  switch (e.type) {
    case 'project.updated':
      return { ...p, name: d.name ?? p.name, description: d.description ?? p.description }
    case 'project.settings_changed':
      return { ...p, settings: { ...p.settings, ...(d as object) } }
    case 'project.activated': case 'project.archived': case 'project.restored':
      return { ...p, status: d.status ?? p.status }
    case 'project.ownership_transferred':
      return { ...p, owner_id: d.owner_id ?? p.owner_id }
    default:
      return p
  }
}

function touchesRights(e: Event, me: string): boolean {
  return /^project\.(activated|archived|restored|ownership_transferred|settings_changed)$/.test(e.type) || (e.type === 'project.role_changed' && e.data.user_id === me)
}
