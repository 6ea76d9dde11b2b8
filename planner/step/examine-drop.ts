/** Whether an interrupted drop is done: the very collection that it found is gone, or still stands. */
import { isSameHistory, lookAt, type ReadFound, readFound } from './found-note.ts'
import type { Examination, Interrupted, StepContext, StepResult } from './step.ts'

/** @param toResult what the step returns when what it found is gone */
export async function examineDrop(
  target: string,
  collection: string,
  { note }: Interrupted,
  context: StepContext,
  toResult: (found: ReadFound) => StepResult,
): Promise<Examination> {
  const found = readFound(note)
  if (found === undefined) return { state: 'repeat', found: 'nothing was dropped' }
  const now = await lookAt(target, collection, context)
  if (now === 'none') {
    return { state: 'done', found: `${collection} is gone from ${target}`, result: toResult(found) }
  }
  const isTheSame = now === 'unreadable' ? found.before === now : isSameHistory(found, now)
  return isTheSame
    ? { state: 'repeat', found: `${collection} still stands on ${target}` }
    : { state: 'unknown', found: `another collection ${collection} is on ${target} now` }
}
