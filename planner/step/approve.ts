/**
 * `approve`: a person says yes, or the run ends here, whatever the plan says of going on after a
 * failure. A no is a failure of its own, `declined`, and is not asked again.
 */
import type { ApproveInput } from '../plan/step-inputs.ts'
import { approvalWords, askPerson, declined } from './ask-person.ts'
import { estimateFrom } from './estimate.ts'
import type { StepContext, StepFaces, StepResult } from './step.ts'
import { whoText } from './who-text.ts'

export const approve: StepFaces<'approve'> = {
  kind: 'approve',
  run,
  examine: async () => ({ state: 'repeat', found: 'no answer was written down' }),
  describe: ({ by, question }, plan) => ({
    sentence: `Ask ${whoText(plan, by)}: ${question.text}`,
    expected: 'a yes, and who said it; silence is no yes',
    commands: [],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'approve' }, 5 * 60_000),
  touches: ({ by }) => [{ access: 'asks', what: 'role', name: by }],
  needs: () => [],
}

async function run({ by, question }: ApproveInput, context: StepContext): Promise<StepResult> {
  const text = context.redact(context.text(question))
  const { isYes, contact, how, at } = await askPerson(text, by, approvalWords, context)
  const outputs = { by, contact, answer: isYes ? 'yes' : 'no', how, decidedAt: at }
  if (isYes) return { outputs }
  return { outputs, error: declined(`${by} (${contact}) said no: ${text}`) }
}
