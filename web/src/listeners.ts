// Listeners are who draws anew, or does something else, when what is not React's changes.
export class Listeners {
  private all = new Set<() => void>()

  // on is bound, and so fit for useSyncExternalStore.
  on = (f: () => void): (() => void) => {
    this.all.add(f)
    return () => { this.all.delete(f) }
  }

  tell(): void {
    for (const f of this.all) f()
  }
}
