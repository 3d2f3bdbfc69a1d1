// What can go wrong, as sentences for people.

export interface FieldProblem { pointer: string; code: string; message: string }

export class Problem extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    text: string,
    readonly fields: FieldProblem[] = [],
    readonly requestId = '',
  ) {
    super(text)
  }

  // at is what is wrong with a field of the form, by the field's name in the body.
  at(field: string): string | undefined {
    const found = this.fields.find((f) => f.pointer === '/' + field || f.pointer.endsWith('/' + field))
    return found && sentence(found.message)
  }

  // rest is what to say beside the fields that are shown.
  rest(shown: string[] = []): string | undefined {
    return this.fields.length > 0 && this.fields.every((f) => shown.some((name) => f.pointer.endsWith('/' + name))) ? undefined : this.message
  }
}

interface Body { code?: string; title?: string; detail?: string; status?: number; errors?: FieldProblem[]; request_id?: string }

// problemOf reads an RFC 9457 document.
export function problemOf(body: unknown, reply: Response): Problem {
  const b = (typeof body === 'object' && body !== null ? body : {}) as Body
  const code = b.code ?? 'internal'
  return new Problem(code, reply.status, say(code, b, reply), b.errors ?? [], b.request_id ?? reply.headers.get('X-Request-Id') ?? '')
}

export const unreachable = () => new Problem('unreachable', 0, 'The service cannot be reached. Check your connection and try again.')

// asProblem is for what was caught.
export function asProblem(e: unknown): Problem {
  if (e instanceof Problem) return e
  console.error(e)
  return new Problem('internal', 0, 'Something went wrong in this page. Reload it and try again.')
}

function say(code: string, b: Body, reply: Response): string {
  switch (code) {
    case 'invalid_credentials':
      return 'E-mail or password is wrong.'
    case 'rate_limited':
    case 'too_many_attempts':
      return `Too many requests. Try again ${after(reply)}.`
    case 'overloaded':
    case 'unavailable':
      return `The service is busy. Try again ${after(reply)}.`
    case 'timeout':
      return 'The service did not answer in time. Look whether it was done, or try again.'
    case 'not_found':
      return 'This does not exist, or you have no access to it.'
    case 'internal':
      return `Something went wrong on the server.${b.request_id ? ` It was logged as ${b.request_id}.` : ''}`
    default:
      return sentence(b.detail || b.title || 'This did not work.')
  }
}

function after(reply: Response): string {
  const seconds = Number(reply.headers.get('Retry-After')) || 1
  if (seconds < 90) return seconds === 1 ? 'in a second' : `in ${seconds} seconds`
  return `in ${Math.ceil(seconds / 60)} minutes`
}

// sentence begins with a capital and ends with a full stop.
export function sentence(text: string): string {
  const t = text.trim()
  return t.charAt(0).toUpperCase() + t.slice(1) + (/[.!?]$/.test(t) ? '' : '.')
}
