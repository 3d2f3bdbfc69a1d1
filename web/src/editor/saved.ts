import * as Y from 'yjs'

// Unsaved knows what of a document's own changes the server has yet to confirm. The
// server sends a change back once it is durable, perhaps in another form; so what
// counts is what is in it: own content up to a clock, and ranges that were deleted.
export class Unsaved {
  private written = 0 // own content ends here
  private confirmed = 0
  private deleted = new Map<number, [from: number, to: number][]>() // not confirmed, by client

  constructor(private client: number) {}

  get none(): boolean {
    return this.confirmed >= this.written && this.deleted.size === 0
  }

  // wrote takes a change that was made here.
  wrote(update: Uint8Array): void {
    const { structs, ds } = Y.decodeUpdate(update)
    for (const s of structs) if (s.id.client === this.client) this.written = Math.max(this.written, s.id.clock + s.length)
    for (const [client, ranges] of ds.clients) {
      const waiting = this.deleted.get(client) ?? []
      for (const r of ranges) waiting.push([r.clock, r.clock + r.len])
      this.deleted.set(client, waiting)
    }
  }

  // came takes what the server has.
  came(update: Uint8Array): void {
    const { structs, ds } = Y.decodeUpdate(update)
    for (const s of structs) if (s.id.client === this.client) this.has(s.id.clock + s.length)
    for (const [client, ranges] of ds.clients) for (const r of ranges) this.undelete(client, r.clock, r.clock + r.len)
  }

  // knows takes the server's state vector.
  knows(vector: Uint8Array): void {
    this.has(Y.decodeStateVector(vector).get(this.client) ?? 0)
  }

  private has(clock: number): void {
    this.confirmed = Math.max(this.confirmed, clock)
  }

  private undelete(client: number, from: number, to: number): void {
    const waiting = this.deleted.get(client)
    if (!waiting) return
    const rest: [number, number][] = []
    for (const [a, b] of waiting) {
      if (a < Math.min(b, from)) rest.push([a, Math.min(b, from)])
      if (Math.max(a, to) < b) rest.push([Math.max(a, to), b])
    }
    if (rest.length > 0) this.deleted.set(client, rest)
    else this.deleted.delete(client)
  }
}
