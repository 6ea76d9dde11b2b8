/** `approve`: a person says yes, or the run ends here. */
import { estimateFrom } from './estimate.ts'
import { notRunYet } from './not-offered.ts'
import type { StepFaces } from './step.ts'
import { whoText } from './who-text.ts'

export const approve: StepFaces<'approve'> = {
  kind: 'approve',
  run: notRunYet('approve'),
  describe: ({ by, question }, plan) => ({
    sentence: `Ask ${whoText(plan, by)}: ${question.text}`,
    commands: [],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'approve' }, 5 * 60_000),
  touches: ({ by }) => [{ access: 'asks', what: 'role', name: by }],
  needs: () => [],
}
