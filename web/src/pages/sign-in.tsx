import { useState, type FormEvent, type ReactNode } from 'react'
import { api, ask } from '../api'
import { useAction } from '../load'
import { Button, Field, Wrong } from '../parts/form'
import { Mark } from '../parts/mark'
import { Link, useTitle } from '../router'
import { signIn, useSession } from '../session'

function Door({ title, children }: { title: string; children: ReactNode }) {
  useTitle(title)
  return (
    <main id="main" className="door">
      <p className="brand"><Mark /><span>Atelier</span></p>
      <h1 tabIndex={-1}>{title}</h1>
      {children}
    </main>
  )
}

const value = (form: HTMLFormElement, name: string) => String(new FormData(form).get(name) ?? '')

function submits(run: (form: HTMLFormElement) => void) {
  return (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault()
    run(e.currentTarget)
  }
}

export function SignIn() {
  const session = useSession()
  const [email, setEmail] = useState('')
  const [sent, setSent] = useState(false)
  const { run, busy, problem } = useAction((form: HTMLFormElement) => signIn(value(form, 'email'), value(form, 'password')))
  const again = useAction(async () => {
    await ask(api.POST('/api/v1/auth/verify-email/resend', { body: { email } }))
    setSent(true)
  })
  return (
    <Door title="Sign in">
      {session.state === 'out' && session.over && !problem && <p className="notice" role="status">Your session has ended. Sign in again to go on.</p>}
      <form onSubmit={submits((f) => void run(f))} noValidate>
        <Field label="E-mail" name="email" type="email" autoComplete="username" autoFocus value={email} onChange={(e) => setEmail(e.target.value)} error={problem?.at('email')} />
        <Field label="Password" name="password" type="password" autoComplete="current-password" error={problem?.at('password')} />
        <Wrong problem={problem} fields={['email', 'password']}>
          {problem?.code === 'email_unverified' && (sent ? <p>The mail is on its way.</p> : <Button busy={again.busy} onClick={() => void again.run()}>Send the mail again</Button>)}
        </Wrong>
        <Button kind="primary" type="submit" busy={busy}>Sign in</Button>
      </form>
      <p className="door-links"><Link to={'/register' + location.search}>Create an account</Link><Link to="/forgot-password">Forgot your password?</Link></p>
    </Door>
  )
}

export function Register() {
  const [mailed, setMailed] = useState<string>()
  const { run, busy, problem } = useAction(async (form: HTMLFormElement) => {
    const [email, password] = [value(form, 'email'), value(form, 'password')]
    const made = await ask(api.POST('/api/v1/auth/register', { body: { email, name: value(form, 'name').trim(), password } }))
    if ('id' in made) await signIn(email, password)
    else setMailed(email)
  })
  if (mailed) {
    return (
      <Door title="Look into your mail">
        <p>We have written to <strong>{mailed}</strong>. The link in that mail confirms the address; then you can sign in.</p>
        <p className="door-links"><Link to={'/sign-in' + location.search}>Back to signing in</Link></p>
      </Door>
    )
  }
  return (
    <Door title="Create an account">
      <form onSubmit={submits((f) => void run(f))} noValidate>
        <Field label="Name" name="name" autoComplete="name" autoFocus error={problem?.at('name')} />
        <Field label="E-mail" name="email" type="email" autoComplete="username" error={problem?.at('email') ?? (problem?.code === 'email_taken' ? 'This address has an account already.' : undefined)} />
        <Field label="Password" name="password" type="password" autoComplete="new-password" hint="At least 15 characters; a few words do well."
          error={problem?.at('password') ?? (problem && /password$/.test(problem.code) ? problem.message : undefined)} />
        {problem && !/password$|email_taken/.test(problem.code) && <Wrong problem={problem} fields={['name', 'email', 'password']} />}
        <Button kind="primary" type="submit" busy={busy}>Create the account</Button>
      </form>
      <p className="door-links"><Link to={'/sign-in' + location.search}>I have an account</Link></p>
    </Door>
  )
}

export function ForgotPassword() {
  const [sent, setSent] = useState(false)
  const { run, busy, problem } = useAction(async (form: HTMLFormElement) => {
    await ask(api.POST('/api/v1/auth/password/forgot', { body: { email: value(form, 'email') } }))
    setSent(true)
  })
  return (
    <Door title="Forgot your password?">
      {sent ? <p role="status">If that address has an account, a mail with a link is on its way.</p> : (
        <form onSubmit={submits((f) => void run(f))} noValidate>
          <Field label="E-mail" name="email" type="email" autoComplete="username" autoFocus error={problem?.at('email')} />
          <Wrong problem={problem} fields={['email']} />
          <Button kind="primary" type="submit" busy={busy}>Send me a link</Button>
        </form>
      )}
      <p className="door-links"><Link to="/sign-in">Back to signing in</Link></p>
    </Door>
  )
}

