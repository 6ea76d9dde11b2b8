/** `wait`: until a standby has caught up, or for a time. */
import type { Plan } from '../plan/plan.ts'
import { formatDuration } from '../plan/units.ts'
import { estimateFrom } from './estimate.ts'
import { notRunYet } from './not-offered.ts'
import { showDuration } from './quantity.ts'
import type { StepFaces } from './step.ts'

export const wait: StepFaces<'wait'> = {
  kind: 'wait',
  run: notRunYet('wait'),
  describe: (input) => ({
    sentence:
      input.kind === 'time'
        ? `Wait for ${showDuration(input.forMs)}`
        : `Wait until ${input.collection} is replicated to within ${formatDuration(input.belowMs)}`,
    commands: [],
  }),
  estimate: (input, id, history) =>
    estimateFrom(history, { id, kind: 'wait' }, input.kind === 'time' ? input.forMs : 60_000),
  touches: (input, plan) =>
    input.kind === 'time'
      ? []
      : followersOf(plan, input.collection).map((target) => ({
          access: 'reads',
          what: 'target',
          name: `${target}/${input.collection}`,
        })),
  needs: (input, plan) =>
    input.kind === 'time'
      ? []
      : followersOf(plan, input.collection).map((target) => ({ target, capabilities: ['lag'] })),
}

/** The targets whose lag counts; where nothing replicates, the collection's own refuses. */
function followersOf({ replication, collections }: Plan, name: string): readonly string[] {
  const own = collections.get(name)?.target
  return replication.get(name)?.to ?? (own === undefined ? [] : [own])
}
