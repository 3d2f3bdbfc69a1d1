import { Annotation, RangeSet, type Range } from '@codemirror/state'
import { Decoration, EditorView, ViewPlugin, WidgetType, type DecorationSet, type ViewUpdate } from '@codemirror/view'
import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { tone } from '../tone'

// Cursors of others, from their awareness. The colour is chosen here: what another's
// program says of itself becomes text and nothing else.

interface State { user?: { id?: string; name?: string }; cursor?: { anchor: unknown; head: unknown } | null }

const moved = Annotation.define<true>()

class Caret extends WidgetType {
  constructor(readonly name: string, readonly tone: number) { super() }

  override eq(other: Caret) { return other.name === this.name && other.tone === this.tone }

  toDOM(): HTMLElement {
    const caret = document.createElement('span')
    caret.className = `caret tone-${this.tone}`
    caret.setAttribute('aria-hidden', 'true')
    const label = document.createElement('span')
    label.className = 'caret-name'
    label.textContent = this.name
    caret.append('\u2060', label, '\u2060')
    return caret
  }

  override updateDOM() { return false }
  override ignoreEvent() { return true }
  override get estimatedHeight() { return -1 }
}

export function cursors(text: Y.Text, awareness: Awareness) {
  const doc = text.doc!

  const place = (position: unknown): number | undefined => {
    try {
      const at = Y.createAbsolutePositionFromRelativePosition(Y.createRelativePositionFromJSON(position), doc)
      return at?.type === text ? at.index : undefined
    } catch {
      return undefined // what another's program sent is no position
    }
  }

  const draw = (view: EditorView): DecorationSet => {
    const ranges: Range<Decoration>[] = []
    const length = view.state.doc.length
    awareness.getStates().forEach((state: State, client) => {
      if (client === awareness.clientID || !state.cursor) return
      const anchor = place(state.cursor.anchor), head = place(state.cursor.head)
      if (anchor === undefined || head === undefined) return
      const color = tone(state.user?.id ?? String(client))
      const [from, to] = [Math.min(anchor, head, length), Math.min(Math.max(anchor, head), length)]
      if (from < to) ranges.push(Decoration.mark({ class: `selected tone-${color}` }).range(from, to))
      const widget = new Caret(String(state.user?.name ?? 'Somebody').slice(0, 60), color)
      ranges.push(Decoration.widget({ widget, side: head > anchor ? -1 : 1 }).range(Math.min(head, length)))
    })
    return RangeSet.of(ranges, true)
  }

  const tell = (view: EditorView) => {
    const focused = view.hasFocus && document.hasFocus()
    const before = (awareness.getLocalState() as State | null)?.cursor
    if (!focused) {
      if (before) awareness.setLocalStateField('cursor', null)
      return
    }
    const { anchor, head } = view.state.selection.main
    const cursor = { anchor: Y.createRelativePositionFromTypeIndex(text, anchor), head: Y.createRelativePositionFromTypeIndex(text, head) }
    if (JSON.stringify(before) !== JSON.stringify(cursor)) awareness.setLocalStateField('cursor', cursor)
  }

  return ViewPlugin.fromClass(class {
    decorations: DecorationSet
    private change = ({ added, updated, removed }: { added: number[]; updated: number[]; removed: number[] }) => {
      if ([...added, ...updated, ...removed].some((id) => id !== awareness.clientID)) this.view.dispatch({ annotations: moved.of(true) })
    }

    constructor(private view: EditorView) {
      this.decorations = draw(view)
      awareness.on('change', this.change)
    }

    update(u: ViewUpdate): void {
      if (u.docChanged || u.selectionSet || u.focusChanged) tell(u.view)
      if (u.docChanged || u.transactions.some((t) => t.annotation(moved))) this.decorations = draw(u.view)
    }

    destroy(): void {
      awareness.off('change', this.change)
    }
  }, { decorations: (v) => v.decorations })
}
