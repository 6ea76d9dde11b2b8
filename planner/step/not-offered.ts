/** What a target cannot do. It is said, never passed over. */
import { OperatingError } from '../../engine/index.ts'
import type { StepKind } from '../plan/step-inputs.ts'

/** The run of a step that needs more of a target than any offers; `needs` refuses it before the run starts. */
export const notOfferedByTarget = (kind: StepKind) => (): never => {
  throw new OperatingError(
    'not-offered',
    `step ${kind} is not offered by this target`,
    'Use a target that offers it.',
  )
}
