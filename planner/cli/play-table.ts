/** What the parts of a played exercise share. */
import type { Plan } from '../plan/plan.ts'
import type { KeptPlay } from '../play/kept-play.ts'
import type { PlaySetup } from '../play/play-setup.ts'
import type { Context } from './context.ts'

export interface PlayTable {
  readonly context: Context
  readonly plan: Plan
  readonly setup: PlaySetup
  /** Where the exercise lies while it is under way. */
  readonly file: string
  /** Where pages and reports go. */
  readonly out: string
  print(lines: readonly string[]): Promise<void>
  /** Durable when it resolves. */
  keep(kept: KeptPlay): Promise<void>
}
