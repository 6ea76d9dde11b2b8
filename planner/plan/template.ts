/**
 * Texts with `${…}`: parsed once when the plan is read, filled in when a step runs.
 *
 * A template is text and stays text: what is filled in is never parsed again, so a value cannot bring
 * a list, a key or another `${…}` with it. `$${` is a literal `${`.
 */
import * as path from 'node:path'
import { fail } from '../../engine/index.ts'
import type { Place } from './plan.ts'
import { Secret } from './secret.ts'

/** One piece of a template. */
export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'date' | 'time' | 'run' | 'collection' | 'run.error' }
  | { readonly kind: 'steps'; readonly id: string; readonly output: string }

export interface Template {
  /** As written: safe to print, because it holds names of variables, not their values. */
  readonly text: string
  readonly parts: readonly TemplatePart[]
  /** When present the text is a path, and a relative one starts here. */
  readonly directory?: string
  readonly place: Place
}
