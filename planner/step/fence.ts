/** `fence`: refuses all further writes to a target. */
import { estimateFrom } from './estimate.ts'
import { notOfferedByTarget } from './not-offered.ts'
import type { StepFaces } from './step.ts'

export const fence: StepFaces<'fence'> = {
  kind: 'fence',
  run: notOfferedByTarget('fence'),
  describe: ({ target, unreachable }) => ({
    sentence: `Fence ${target}, so that it takes no more writes${unreachable === 'continue' ? '; go on when it does not answer' : ''}`,
    expected: `${target} refuses writes`,
    back: `${target} takes writes again only as a standby that is promoted`,
    commands: [],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'fence' }, 5_000),
  touches: ({ target }) => [{ access: 'writes', what: 'target', name: target }],
  needs: ({ target }) => [{ target, capabilities: ['fence'] }],
}
