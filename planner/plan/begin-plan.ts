/**
 * The first look at a plan file: its bytes, their text, and its values, which are on their way from the parser's
 * thread. Small, so that the thread works while everything else that a plan needs is loaded.
 */
import { type Disk, nodeDisk } from '../../engine/threads.ts'
import { parsePlan, startParser } from './parse-plan.ts'
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

let ahead: { readonly file: string; readonly begun: Promise<BegunPlan> } | undefined

/**
 * For a process that will read one plan as soon as it is loaded: the first {@link beginPlan} of that file gets what
 * this call began.
 */
export function beginAhead(file: string): void {
  startParser()
  const begun = readAndBegin(file, nodeDisk)
  begun.catch(() => {}) // told to whoever asks for it
  ahead = { file, begun }
}

/** @throws `plan-not-found`, `plan-too-large` for a file that is not even read, and what the disk throws. */
export function beginPlan(file: string, disk: Disk): Promise<BegunPlan> {
  if (ahead?.file !== file || disk !== nodeDisk) return readAndBegin(file, disk)
  const { begun } = ahead
  ahead = undefined
  return begun
}

const readAndBegin = async (file: string, disk: Disk): Promise<BegunPlan> =>
  beginBytes(file, await readPlanFile(disk, file))

/** The same of bytes that would stand in `file`. */
export function beginBytes(file: string, bytes: Uint8Array): BegunPlan {
  const text = decodePlan(file, bytes)
  if (Array.isArray(text)) return { bytes, text }
  return { bytes, text, parsed: parsePlan(text.text) }
}
