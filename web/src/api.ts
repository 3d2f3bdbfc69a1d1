import createClient from 'openapi-fetch'
import type { components, paths } from './schema'
import { send } from './credentials'
import { Problem, problemOf, unreachable } from './problem'

type Schemas = components['schemas']
export type User = Schemas['User']
export type PublicUser = Schemas['PublicUser']
export type Project = Schemas['Project']
export type Collaborator = Schemas['Collaborator']
export type Invitation = Schemas['Invitation']
export type Invited = Schemas['Invited']
export type Event = Schemas['Event']
export type Doc = Schemas['Document']
export type Role = Collaborator['role']

export interface Page<T> { items: T[]; next_cursor: string | null }

export const api = createClient<paths>({ baseUrl: location.origin, fetch: send })

// A request that is repeated has one effect.
api.use({
  onRequest({ request, schemaPath }) {
    if (request.method === 'POST' && !schemaPath.startsWith('/api/v1/auth/')) request.headers.set('Idempotency-Key', key())
    return request
  },
})

function key(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('')
}

type Asked<T> = Promise<{ data?: T; error?: unknown; response: Response }>

// ask is the answer, or a Problem that is thrown.
export async function ask<T>(asked: Asked<T>): Promise<T> {
  return (await askWhole(asked)).data
}

// askWhole is ask, with the headers.
export async function askWhole<T>(asked: Asked<T>): Promise<{ data: T; headers: Headers }> {
  let answer
  try {
    answer = await asked
  } catch (e) {
    if (e instanceof Problem) throw e
    throw unreachable()
  }
  if (!answer.response.ok) throw problemOf(answer.error, answer.response)
  return { data: answer.data as T, headers: answer.response.headers }
}
