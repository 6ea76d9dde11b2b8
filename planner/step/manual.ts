/** `manual`: something that only a person can do, who says when it is done, or that it cannot be. */
import { OperatingError } from '../../engine/index.ts'
import type { ManualInput } from '../plan/step-inputs.ts'
import { askPerson, workWords } from './ask-person.ts'
import { estimateFrom } from './estimate.ts'
import type { StepContext, StepFaces, StepResult } from './step.ts'
import { whoText } from './who-text.ts'

export const manual: StepFaces<'manual'> = {
  kind: 'manual',
  run,
  examine: async () => ({ state: 'repeat', found: 'nobody said yet that it is done' }),
  describe: (input, plan) => ({
    sentence: `By hand, ${whoText(plan, input.role)}: ${input.do.text}`,
    expected: 'whoever did it says that it is done',
    commands: [],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'manual' }, 15 * 60_000),
  touches: ({ role }) => [{ access: 'asks', what: 'role', name: role }],
  needs: () => [],
}

async function run(input: ManualInput, context: StepContext): Promise<StepResult> {
  const { role } = input
  const text = context.redact(context.text(input.do))
  const { isYes, contact, how, at } = await askPerson(`By hand: ${text}`, role, workWords, context)
  const outputs = { role, contact, answer: isYes ? 'done' : 'failed', how, doneAt: at }
  if (isYes) return { outputs }
  return {
    outputs,
    error: new OperatingError(
      'step-failed',
      `${role} (${contact}) says that it could not be done: ${text}`,
      'Find out what was in the way.',
    ),
  }
}
