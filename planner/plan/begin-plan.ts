/**
 * The first look at a plan file: its bytes, their text, and its values, which are on their way from the parser's
 * thread. Small, so that the thread works while everything else that a plan needs is loaded.
 */
import type { Disk } from '../../engine/index.ts'
import { parsePlan } from './parse-plan.ts'
import type { ParsedYaml } from './parse-yaml.ts'
import type { PlanText } from './plan-text.ts'
import type { PlanError } from './problem.ts'
import { decodePlan, readPlanFile } from './read-plan.ts'

export interface BegunPlan {
  readonly bytes: Uint8Array
  /** Or what makes it unreadable. */
  readonly text: PlanText | readonly PlanError[]
  /** Never rejected; absent where there is no text. */
  readonly parsed?: Promise<ParsedYaml>
}

/** @throws `plan-not-found`, `plan-too-large` for a file that is not even read, and what the disk throws. */
export const beginPlan = async (file: string, disk: Disk): Promise<BegunPlan> =>
  beginBytes(file, await readPlanFile(disk, file))

/** The same of bytes that would stand in `file`. */
export function beginBytes(file: string, bytes: Uint8Array): BegunPlan {
  const text = decodePlan(file, bytes)
  if (Array.isArray(text)) return { bytes, text }
  return { bytes, text, parsed: parsePlan(text.text) }
}
