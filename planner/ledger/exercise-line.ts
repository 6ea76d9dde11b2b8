/**
 * A played exercise as the ledger keeps it: who took part in which role, by contact key, and what has to be put
 * right. It is no run: it has no steps, and nothing is measured or proven by it.
 */
import { isJsonObject, type JsonObject } from '../../engine/index.ts'

export interface ExercisePlayed {
  readonly kind: 'exercise'
  readonly scenario: string
  readonly procedure: string
  /** ISO 8601, by the word of who played it; the line tells when it was recorded. */
  readonly startedAt: string
  /** On the clock of the exercise. */
  readonly durationMs: number
  /** Played from a script, with nobody at the terminal. */
  readonly isScripted: boolean
  readonly participants: readonly { readonly contact: string; readonly role: string }[]
  readonly actions: readonly RecordedAction[]
  /** SHA-256 of the after-action report as JSON. */
  readonly reportSha256: string
}

export interface RecordedAction {
  /** The same in every report: `action/<exercise>/1`. */
  readonly id: string
  readonly text: string
  /** A role, the key of a contact, or a team. */
  readonly owner: string
  /** `2026-12-31` */
  readonly dueOn: string
  /** What has to pass after the exercise. */
  readonly provedBy: { readonly kind: 'schedule' | 'drill' | 'procedure'; readonly name: string }
}

export const isExercise = (value: JsonObject): boolean =>
  ['scenario', 'procedure', 'startedAt'].every((key) => typeof value[key] === 'string') &&
  isListOf(value['participants'], ['contact', 'role']) &&
  isListOf(value['actions'], ['id', 'text', 'owner', 'dueOn']) &&
  // its members are objects, as the line above says
  (value['actions'] as readonly JsonObject[]).every(({ provedBy }) =>
    isListOf([provedBy ?? null], ['kind', 'name']),
  )

const isListOf = (value: unknown, texts: readonly string[]): boolean =>
  Array.isArray(value) &&
  value.every((each) => isJsonObject(each) && texts.every((key) => typeof each[key] === 'string'))
