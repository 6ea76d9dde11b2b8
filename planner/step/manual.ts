/** `manual`: something that only a person can do. */
import { estimateFrom } from './estimate.ts'
import { notRunYet } from './not-offered.ts'
import type { StepFaces } from './step.ts'
import { whoText } from './who-text.ts'

export const manual: StepFaces<'manual'> = {
  kind: 'manual',
  run: notRunYet('manual'),
  describe: (input, plan) => ({
    sentence: `By hand, ${whoText(plan, input.role)}: ${input.do.text}`,
    commands: [],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'manual' }, 15 * 60_000),
  touches: ({ role }) => [{ access: 'asks', what: 'role', name: role }],
  needs: () => [],
}
