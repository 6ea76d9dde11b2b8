/** `switch`: points the alias that applications use to another target or collection. */
import type { Plan } from '../plan/plan.ts'
import type { SwitchInput } from '../plan/step-inputs.ts'
import { estimateFrom } from './estimate.ts'
import { notOfferedByTarget } from './not-offered.ts'
import type { StepFaces } from './step.ts'

export const switchStep: StepFaces<'switch'> = {
  kind: 'switch',
  run: notOfferedByTarget('switch'),
  describe: (input, plan) => ({
    sentence: `Switch ${input.alias} to ${meant(input, plan)} on ${input.to}`,
    commands: [],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'switch' }, 2_000),
  touches: (input, plan) => [
    { access: 'writes', what: 'target', name: `${input.to}/${meant(input, plan)}` },
  ],
  needs: ({ to }) => [{ target: to, capabilities: ['switch'] }],
}

/** The collection that the alias means afterwards. */
const meant = ({ alias, collection }: SwitchInput, plan: Plan): string =>
  collection?.text ??
  [...plan.collections.values()].find((each) => each.alias === alias)?.name ??
  alias
