/** `notify`: sends a message through a channel. */
import { estimateFrom } from './estimate.ts'
import { notRunYet } from './not-offered.ts'
import type { StepFaces } from './step.ts'

export const notify: StepFaces<'notify'> = {
  kind: 'notify',
  run: notRunYet('notify'),
  describe: ({ channel, message }) => ({
    sentence: `Tell ${channel}: ${message.text}`,
    commands: [],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'notify' }, 1_000),
  touches: ({ channel }) => [{ access: 'writes', what: 'channel', name: channel }],
  needs: () => [],
}
