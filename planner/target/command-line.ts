/** How a plan's targets and destinations are written in a command that a person types. */
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plan } from '../plan/plan.ts'

/** `file` as it is typed in the plan's directory: relative as long as that is not longer. */
export function typedPath(plan: Plan, file: string): string {
  const relative = path.relative(plan.directory, file)
  if (relative === '') return '.'
  if (relative.length >= file.length) return file
  return relative.startsWith('..') ? relative : `./${relative}`
}

/** `vectra-cli` acting on a target of the plan. */
export function vectraCli(plan: Plan, target: string, ...words: readonly string[]): string[] {
  const found = plan.targets.get(target)
  const where = found === undefined ? [] : ['--data', typedPath(plan, found.path)]
  return ['vectra-cli', ...where, ...words]
}

/** A destination of the plan as a value of `--destination` or `--source`. */
export function typedDestination(plan: Plan, name: string): string {
  const url = plan.destinations.get(name)?.url
  if (url === undefined) return name
  return url.startsWith('file:') ? typedPath(plan, fileURLToPath(url)) : url
}
