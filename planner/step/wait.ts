/** `wait`: until a standby has caught up, or for a time. */
import type { Plan } from '../plan/plan.ts'
import { formatDuration } from '../plan/units.ts'
import { estimateFrom } from './estimate.ts'
import { notOfferedByTarget } from './not-offered.ts'
import { showDuration } from './quantity.ts'
import type { StepFaces } from './step.ts'
import { pause } from './timer.ts'

const waitForLag = notOfferedByTarget('wait')

export const wait: StepFaces<'wait'> = {
  kind: 'wait',
  async run(input, { timer, clock, signal }) {
    if (input.kind === 'lag') return waitForLag()
    const startedMs = clock.monotonicMs()
    await pause(timer, input.forMs, signal)
    return { outputs: { waitedMs: Math.round(clock.monotonicMs() - startedMs) } }
  },
  examine: async () => ({ state: 'repeat', found: 'it only waits' }),
  describe: (input) => ({
    sentence:
      input.kind === 'time'
        ? `Wait for ${showDuration(input.forMs)}`
        : `Wait until ${input.collection} is replicated to within ${formatDuration(input.belowMs)}`,
    expected:
      input.kind === 'time'
        ? 'the time is over'
        : `it lags by less than ${formatDuration(input.belowMs)}`,
    commands: input.kind === 'time' ? [['sleep', String(input.forMs / 1_000)]] : [],
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
