/** What a rule finds before it has an owner and a date: those come from the plan unless it says otherwise. */
import type { LineReference } from './copies.ts'

/** `critical`: an objective was missed, or a copy is damaged. `warning`: it may be next time. */
export type FindingSeverity = 'critical' | 'warning'

/** Whether something was tried again since: nothing was, it failed again, or it passed, which closes it. */
export type Retest = 'not retested' | 'failed again' | 'passed'

/** Epoch milliseconds. */
export interface Found {
  readonly id: string
  readonly severity: FindingSeverity
  readonly collection?: string
  readonly message: string
  readonly openedAt: number
  readonly retest?: Retest
  readonly shownBy?: readonly LineReference[]
  readonly closed?: { readonly at: number; readonly by: LineReference | null }
  readonly owner?: string
  readonly dueAt?: number
}
