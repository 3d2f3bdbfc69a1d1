import type { Present } from '../live'
import { useUser } from '../session'
import { Avatar } from './bits'

const shown = 5

// Presence is who has the project open.
export function Presence({ here }: { here: Present[] }) {
  const me = useUser()
  if (here.length === 0) return null
  const all = [...here].sort((a, b) => Number(b.user_id === me.id) - Number(a.user_id === me.id) || a.name.localeCompare(b.name))
  const name = (p: Present) => (p.user_id === me.id ? 'you' : p.name)
  const rest = all.length - shown
  return (
    <div className="presence">
      <span className="presence-faces" aria-hidden="true">
        {all.slice(0, shown).map((p) => <span key={p.user_id} title={name(p)}><Avatar id={p.user_id} name={p.name} /></span>)}
        {rest > 0 && <span className="avatar rest">+{rest}</span>}
      </span>
      <span className="presence-text">Here now: <span data-testid="here">{all.slice(0, 20).map(name).join(', ')}{all.length > 20 && ` and ${all.length - 20} more`}</span></span>
    </div>
  )
}
