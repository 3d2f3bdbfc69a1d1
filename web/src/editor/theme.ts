import { EditorView } from '@codemirror/view'
import { tones } from '../tone'

const people = Object.fromEntries(Array.from({ length: tones }, (_, n) => [
  [`.caret.tone-${n}`, { borderColor: `var(--tone-${n})` }],
  [`.caret.tone-${n} .caret-name`, { background: `var(--tone-${n})` }],
  [`.selected.tone-${n}`, { background: `color-mix(in srgb, var(--tone-${n}) 25%, transparent)` }],
]).flat() as [string, Record<string, string>][])

// Colours are the page's, by its custom properties.
export const theme = EditorView.theme({
  '&': { color: 'var(--ink)', fontSize: '1.0625rem', minHeight: '100%' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--prose)', lineHeight: '1.7', overflow: 'visible' },
  '.cm-content': { padding: '2rem 0 30vh', caretColor: 'var(--ink)', minHeight: '50vh' },
  '.cm-line': { padding: '0' },
  '.cm-placeholder': { color: 'var(--quiet)' },
  '.caret': { position: 'relative', borderLeft: '2px solid', marginLeft: '-1px', marginRight: '-1px' },
  '.caret-name': {
    position: 'absolute', bottom: '100%', left: '-2px', padding: '.05rem .35rem', borderRadius: '4px 4px 4px 0', color: 'var(--on-tone)',
    font: '600 .6875rem/1.35 var(--sans)', whiteSpace: 'nowrap', maxWidth: '12rem', overflow: 'hidden', textOverflow: 'ellipsis', pointerEvents: 'none', userSelect: 'none', zIndex: '5',
  },
  ...people,
})
