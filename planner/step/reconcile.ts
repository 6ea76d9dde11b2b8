/** `reconcile`: which acknowledged writes are missing after a failover. */
import { estimateFrom } from './estimate.ts'
import { notOfferedByTarget } from './not-offered.ts'
import type { StepFaces } from './step.ts'

export const reconcile: StepFaces<'reconcile'> = {
  kind: 'reconcile',
  run: notOfferedByTarget('reconcile'),
  describe: ({ collection, from, lost }) => ({
    sentence: `Find the writes of ${collection} that ${from} lacks, and ${lost === 'replay' ? 'write them again' : 'report them'}`,
    expected: 'every acknowledged write that is missing, or that there is none',
    commands: [],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'reconcile' }, 60_000),
  touches: ({ collection, from, lost }) => [
    {
      access: lost === 'replay' ? 'writes' : 'reads',
      what: 'target',
      name: `${from}/${collection}`,
    },
  ],
  needs: ({ from }) => [{ target: from, capabilities: ['reconcile'] }],
}
