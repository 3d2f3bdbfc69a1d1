import type { Role } from './api'

export const roleName: Record<Role | 'owner' | 'public', string> = {
  viewer: 'Viewer', commenter: 'Commenter', editor: 'Editor', collaborator: 'Collaborator', admin: 'Admin', owner: 'Owner', public: 'Reader',
}

export const roles: { role: Role; can: string }[] = [
  { role: 'viewer', can: 'reads' },
  { role: 'commenter', can: 'reads and comments' },
  { role: 'editor', can: 'writes documents' },
  { role: 'collaborator', can: 'writes documents' },
  { role: 'admin', can: 'manages members and settings' },
]

export const nameOfRole = (role: string): string => roleName[role as Role] ?? role
