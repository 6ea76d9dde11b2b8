/** How sentences name a role: with the keys of the contacts who hold it, never with their names. */
import type { Plan } from '../plan/plan.ts'

/** `incident-commander (on-call-1, else on-call-2)` */
export function whoText(plan: Plan, role: string): string {
  const found = plan.people.roles.get(role)
  if (found === undefined) return role
  return `${role} (${[found.primary, ...found.deputies].join(', else ')})`
}
