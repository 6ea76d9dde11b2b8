/** What this version can do with a target, known without opening it: a line for each kind. */
import type { Target } from '../plan/plan.ts'
import type { Capability } from './target.ts'

const engine: ReadonlySet<Capability> = new Set([
  'import',
  'backup',
  'restore',
  'drop',
  'position',
  'digest',
  'search',
  'archive',
  'restore to a moment',
  'write',
  'switch',
  'record golden queries of a file',
])

const none: ReadonlySet<Capability> = new Set()

const served: ReadonlySet<Capability> = new Set([
  ...engine,
  'fence',
  'promote',
  'replicate',
  'lag',
  'reconcile',
  'switch to another target',
])

/** Of the bundled engine, embedded or served; nobody drives the others yet. */
export function capabilitiesOf({ kind }: Target): ReadonlySet<Capability> {
  switch (kind) {
    case 'vectra':
      return engine
    case 'vectra-server':
      return served
    default:
      return none
  }
}
