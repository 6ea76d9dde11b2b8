/** `replicate`: one target follows another. */
import { estimateFrom } from './estimate.ts'
import { notOfferedByTarget } from './not-offered.ts'
import type { StepFaces } from './step.ts'

export const replicate: StepFaces<'replicate'> = {
  kind: 'replicate',
  run: notOfferedByTarget('replicate'),
  describe: ({ from, to, collections, mode }) => ({
    sentence: `Let ${to} follow ${from} with ${collections.join(', ')} (${mode})`,
    expected: `${to} has what ${from} has, and stays close behind`,
    back: `what ${to} held before is gone`,
    commands: [],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'replicate' }, 60_000),
  touches: ({ from, to, collections }) =>
    collections.flatMap((name) => [
      { access: 'reads', what: 'target', name: `${from}/${name}` } as const,
      { access: 'destroys', what: 'target', name: `${to}/${name}` } as const,
    ]),
  needs: ({ from, to }) => [
    { target: from, capabilities: ['replicate'] },
    { target: to, capabilities: ['replicate'] },
  ],
}
