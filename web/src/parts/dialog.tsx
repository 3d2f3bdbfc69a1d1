import { useId, useLayoutEffect, useRef, type FormEvent, type MouseEvent, type ReactNode, type SyntheticEvent } from 'react'
import { useAction } from '../load'
import { Button, Wrong } from './form'

// Dialog is modal: the browser keeps the focus in it, takes Escape for closing and
// gives the focus back.
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null)
  const id = useId()
  // Before the element goes: only then does closing give the focus back.
  useLayoutEffect(() => {
    const dialog = ref.current!
    if (!dialog.open) dialog.showModal()
    return () => dialog.close()
  }, [])
  const outside = (e: MouseEvent) => {
    if (e.target === ref.current) onClose()
  }
  // The page closes it, at once: between a close of the browser's and its event the page
  // would take the next key for one that came while it was open.
  const cancel = (e: SyntheticEvent) => {
    e.preventDefault()
    onClose()
  }
  return (
    <dialog ref={ref} aria-labelledby={id} onClose={onClose} onCancel={cancel} onMouseDown={outside}>
      <div className="dialog-body">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  )
}

// FormDialog asks for something, and closes when it was done.
export function FormDialog({ title, action, onClose, submit, fields, children }: {
  title: string
  action?: string // none: there is nothing to do but to look
  onClose: () => void
  submit: () => Promise<unknown>
  fields: (at: (field: string) => string | undefined) => ReactNode
  children?: ReactNode
}) {
  const { run, busy, problem } = useAction(async () => {
    await submit()
    onClose()
  })
  const shown: string[] = []
  const at = (field: string) => {
    shown.push(field)
    return problem?.at(field)
  }
  const go = (e: FormEvent) => {
    e.preventDefault()
    if (!busy) void run()
  }
  const inputs = fields(at)
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={go} noValidate>
        {inputs}
        <Wrong problem={problem} fields={shown} />
        <div className="dialog-actions">
          <Button onClick={onClose}>{action ? 'Cancel' : 'Close'}</Button>
          {action && <Button kind="primary" type="submit" busy={busy}>{action}</Button>}
        </div>
      </form>
      {children}
    </Dialog>
  )
}

// Confirm asks before what cannot be taken back.
export function Confirm({ title, action, onClose, act, children }: { title: string; action: string; onClose: () => void; act: () => Promise<unknown>; children: ReactNode }) {
  const { run, busy, problem } = useAction(async () => {
    await act()
    onClose()
  })
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{children}</p>
      <Wrong problem={problem} />
      <div className="dialog-actions">
        <Button onClick={onClose} autoFocus>Cancel</Button>
        <Button kind="danger" busy={busy} onClick={() => void run()}>{action}</Button>
      </div>
    </Dialog>
  )
}
