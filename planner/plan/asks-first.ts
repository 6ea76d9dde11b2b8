/** What needs a yes before it runs. */
import { type AnySequence, tasksOf } from './plan.ts'

/** As a whole, or one of its steps. */
export const asksFirst = (sequence: AnySequence): boolean =>
  (sequence.kind === 'drill' && sequence.confirm) ||
  tasksOf([...sequence.steps, ...sequence.always]).some((step) => step.confirm)
