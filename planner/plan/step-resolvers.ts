/** What turns the checked settings of a step into its input: one function a kind. */
import type { PlanNode } from './plan-node.ts'
import type { StepInputs, StepKind } from './step-inputs.ts'

export type StepResolvers = {
  /** @param directory in which relative paths start */
  readonly [Kind in StepKind]: (input: PlanNode, directory: string) => StepInputs[Kind]
}
