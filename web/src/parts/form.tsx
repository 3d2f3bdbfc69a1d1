import { useId, type ButtonHTMLAttributes, type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes } from 'react'
import type { Problem } from '../problem'

interface Common { label: string; hint?: string; error?: string }

// Field is an input with its label, what to know beforehand, and what is wrong.
export function Field({ label, hint, error, ...input }: Common & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId()
  return (
    <Labelled id={id} label={label} hint={hint} error={error}>
      <input id={id} aria-invalid={!!error} aria-describedby={described(id, hint, error)} {...input} />
    </Labelled>
  )
}

export function TextArea({ label, hint, error, ...input }: Common & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const id = useId()
  return (
    <Labelled id={id} label={label} hint={hint} error={error}>
      <textarea id={id} rows={3} aria-invalid={!!error} aria-describedby={described(id, hint, error)} {...input} />
    </Labelled>
  )
}

export function Select({ label, hint, error, ...input }: Common & SelectHTMLAttributes<HTMLSelectElement>) {
  const id = useId()
  return (
    <Labelled id={id} label={label} hint={hint} error={error}>
      <select id={id} aria-invalid={!!error} aria-describedby={described(id, hint, error)} {...input} />
    </Labelled>
  )
}

const described = (id: string, hint?: string, error?: string) => (error ? `${id}-error` : hint ? `${id}-hint` : undefined)

function Labelled({ id, label, hint, error, children }: Common & { id: string; children: ReactNode }) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children}
      {error ? <p className="field-error" id={`${id}-error`}>{error}</p> : hint && <p className="hint" id={`${id}-hint`}>{hint}</p>}
    </div>
  )
}

type Kind = 'primary' | 'plain' | 'quiet' | 'danger'

// Button stays where it is while it works; a click more does nothing.
export function Button({ kind = 'plain', busy = false, children, ...button }: { kind?: Kind; busy?: boolean } & ButtonHTMLAttributes<HTMLButtonElement>) {
  return (
    <button type="button" className={`button ${kind}`} aria-busy={busy} aria-disabled={busy} {...button} onClick={busy ? (e) => e.preventDefault() : button.onClick}>
      {children}
    </button>
  )
}

// Wrong says what went wrong, but for what stands at the fields.
export function Wrong({ problem, fields, children }: { problem?: Problem; fields?: string[]; children?: ReactNode }) {
  const text = problem?.rest(fields)
  return (
    <div role="alert" className="wrong-slot">
      {text && <div className="wrong"><p>{text}</p>{children}</div>}
    </div>
  )
}
