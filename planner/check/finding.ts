/** What a rule is, and what it finds. */
import type { Place } from '../plan/place.ts'
import type { Facts } from './facts.ts'

/**
 * `error`: the plan cannot meet what it promises, or gives a secret away. `warning`: it is likely to
 * disappoint on the day. `note`: worth knowing; a sound plan may have it.
 */
export type Severity = 'error' | 'warning' | 'note'

/** What a rule tells; the rule itself says the rest. */
export interface Found {
  readonly place: Place
  /** What is wrong, with its names and numbers. */
  readonly message: string
  /** How the numbers come about, a line each. */
  readonly arithmetic?: readonly string[]
  /** What it rests on that nobody has said or measured. */
  readonly assumes?: string
  /** Instead of the rule's own. */
  readonly remedy?: string
}

export interface Rule {
  /** Stable: scripts and code hosts may rely on it. */
  readonly code: string
  readonly severity: Severity
  /** In a few words. */
  readonly title: string
  /** Why it matters. */
  readonly why: string
  /** What to do about it. */
  readonly remedy: string
  /** Pure. */
  find(facts: Facts): readonly Found[]
}

export interface Finding {
  readonly code: string
  readonly severity: Severity
  readonly place: Place
  readonly message: string
  readonly arithmetic: readonly string[]
  readonly assumes?: string
  readonly remedy: string
}
