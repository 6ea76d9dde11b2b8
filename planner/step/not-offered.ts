/** What cannot be done: by a target, or by this version yet. It is said, never passed over. */
import { OperatingError } from '../../engine/index.ts'
import type { StepKind } from '../plan/step-inputs.ts'

/** The run of a step whose kind can be written, explained and estimated, and not be run yet. */
export const notRunYet = (kind: StepKind) => (): never => {
  throw new OperatingError(
    'not-offered',
    `steps of kind ${kind} are not run by this version`,
    'Do by hand what "vectra-dr explain" says of this step, or take it out of what is run.',
  )
}

/** The run of a step that needs more of a target than any offers; `needs` refuses it before the run starts. */
export const notOfferedByTarget = (kind: StepKind) => (): never => {
  throw new OperatingError(
    'not-offered',
    `step ${kind} is not offered by this target`,
    'Use a target that offers it.',
  )
}
