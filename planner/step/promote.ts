/** `promote`: the collections of a standby accept writes from here on; a new epoch begins. */
import { estimateFrom } from './estimate.ts'
import { notOfferedByTarget } from './not-offered.ts'
import type { StepFaces } from './step.ts'

export const promote: StepFaces<'promote'> = {
  kind: 'promote',
  run: notOfferedByTarget('promote'),
  describe: ({ target, collections, planned }) => ({
    sentence: `Promote ${collections.join(', ')} on ${target}${planned ? ', once it has everything' : ''}`,
    expected: `${target} takes writes, in a new epoch; the old primary is fenced`,
    back: 'only another promotion takes it back, once the other side follows',
    commands: [],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'promote' }, 10_000),
  touches: ({ target, collections }) =>
    collections.map((name) => ({ access: 'writes', what: 'target', name: `${target}/${name}` })),
  needs: ({ target }) => [{ target, capabilities: ['promote'] }],
}
