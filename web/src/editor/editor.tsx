import { defaultKeymap } from '@codemirror/commands'
import { Compartment, EditorState } from '@codemirror/state'
import { EditorView, keymap, placeholder } from '@codemirror/view'
import { useEffect, useRef } from 'react'
import { yCollab, yUndoManagerKeymap } from 'y-codemirror.next'
import { UndoManager } from 'yjs'
import type { Room } from './connection'
import { cursors } from './cursors'
import { theme } from './theme'

const editable = new Compartment()
const writes = (can: boolean) => editable.of([EditorState.readOnly.of(!can), EditorView.editable.of(can)])

// Editor is CodeMirror over the document. It lives in a shadow root, so that its styles
// are objects of scripts and the page's policy can refuse all styles that stand in
// the page.
export function Editor({ room, name, can }: { room: Room; name: string; can: boolean }) {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  useEffect(() => {
    const root = host.current!.shadowRoot ?? host.current!.attachShadow({ mode: 'open', delegatesFocus: true })
    const undoManager = new UndoManager(room.text)
    const v = (view.current = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: room.text.toString(),
        extensions: [
          theme,
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': name, spellcheck: 'true', autocapitalize: 'sentences', autocorrect: 'on' }),
          placeholder('Start writing…'),
          keymap.of([...yUndoManagerKeymap, ...defaultKeymap]),
          yCollab(room.text, null, { undoManager }),
          cursors(room.text, room.provider.awareness),
          writes(can),
        ],
      }),
    }))
    return () => {
      v.destroy()
      undoManager.destroy()
    }
    // What follows changes the editor and does not make another one.
  }, [room])
  useEffect(() => {
    view.current?.dispatch({ effects: editable.reconfigure([EditorState.readOnly.of(!can), EditorView.editable.of(can)]) })
  }, [can])
  return <div ref={host} className="editor" data-testid="editor" />
}
