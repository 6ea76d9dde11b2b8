/** `wait`: until a standby has caught up, or for a time. */
import { type JsonObject, OperatingError } from '../../engine/index.ts'
import type { WaitInput } from '../plan/step-inputs.ts'
import { formatDuration } from '../plan/units.ts'
import { vectraCli } from '../target/command-line.ts'
import { estimateFrom } from './estimate.ts'
import { copiesOn, nodesOf, type PlacedCopy } from './nodes.ts'
import { toIso } from './observation.ts'
import { showDuration } from './quantity.ts'
import type { StepContext, StepFaces, StepResult } from './step.ts'
import { pause } from './timer.ts'

/** Between two looks at the standbys. */
const lookMs = 250

export const wait: StepFaces<'wait'> = {
  kind: 'wait',
  async run(input, context) {
    if (input.kind === 'lag') return waitForLag(input, context)
    const { timer, clock, signal } = context
    const startedMs = clock.monotonicMs()
    await pause(timer, input.forMs, signal)
    return { outputs: { waitedMs: Math.round(clock.monotonicMs() - startedMs) } }
  },
  examine: async () => ({ state: 'repeat', found: 'it only waits' }),
  describe: (input, plan) => ({
    sentence:
      input.kind === 'time'
        ? `Wait for ${showDuration(input.forMs)}`
        : `Wait until ${input.collection} is replicated to within ${formatDuration(input.belowMs)}`,
    expected:
      input.kind === 'time'
        ? 'the time is over'
        : `each standby lags by less than ${formatDuration(input.belowMs)} (LAG); ask again until it does`,
    commands:
      input.kind === 'time'
        ? [['sleep', String(input.forMs / 1_000)]]
        : nodesOf(plan, input.collection)
            .slice(0, 1)
            .map((target) => vectraCli(plan, target, 'cluster', 'status')),
  }),
  estimate: (input, id, history) =>
    estimateFrom(history, { id, kind: 'wait' }, input.kind === 'time' ? input.forMs : 60_000),
  touches: (input, plan) =>
    input.kind === 'time'
      ? []
      : nodesOf(plan, input.collection).map((target) => ({
          access: 'reads',
          what: 'target',
          name: `${target}/${input.collection}`,
        })),
  needs: (input, plan) =>
    input.kind === 'time'
      ? []
      : nodesOf(plan, input.collection).map((target) => ({ target, capabilities: ['lag'] })),
}

/**
 * Until every standby of the collection that answers is close enough, and there is one; one that has diverged ends it. What it leaves counts as
 * of `lookedAt`, right before the standbys were asked; `first` is what the first look saw, before any waiting.
 */
async function waitForLag(
  { collection, belowMs }: Extract<WaitInput, { kind: 'lag' }>,
  context: StepContext,
): Promise<StepResult> {
  const { clock, timer, signal, plan } = context
  const startedMs = clock.monotonicMs()
  let first: JsonObject | undefined
  for (;;) {
    const lookedAt = toIso(clock.nowMs())
    const { copies, busy } = await copiesOn(context, nodesOf(plan, collection), collection)
    const standbys = copies.filter(({ copy }) => copy.role === 'standby')
    const lags = standbys.map(({ copy: { following } }) =>
      following?.state === 'following' && following.seconds !== null
        ? following
        : { seconds: Number.POSITIVE_INFINITY, records: Number.POSITIVE_INFINITY },
    )
    first ??= lagJson(standbys)
    const diverged = standbys.filter(({ copy }) => copy.following?.state === 'diverged')
    if (diverged.length > 0) return brokenOff(collection, diverged)
    const isThere = busy.length === 0 && lags.length > 0
    if (isThere && lags.every(({ seconds }) => (seconds ?? 0) * 1_000 < belowMs)) {
      const waitedMs = Math.round(clock.monotonicMs() - startedMs)
      return { outputs: { waitedMs, lookedAt, lag: lagJson(standbys), first } }
    }
    await pause(timer, lookMs, signal)
  }
}

/** What has diverged follows no more, however long somebody waits. */
function brokenOff(collection: string, diverged: readonly PlacedCopy[]): StepResult {
  const told = diverged.map(({ target, copy: { following } }) => ({
    target,
    problem: following?.problem ?? 'its copy is not that of the primary',
  }))
  return {
    outputs: { diverged: Object.fromEntries(told.map((each) => [each.target, each.problem])) },
    error: new OperatingError(
      'step-failed',
      told
        .map(({ target, problem }) => `${target} follows ${collection} no more: ${problem}`)
        .join('; '),
      'Look at both copies, then: vectra-cli cluster rejoin.',
    ),
  }
}

/** By target; seconds are null where it is not known since when it lacks something. */
const lagJson = (standbys: readonly PlacedCopy[]): JsonObject =>
  Object.fromEntries(
    standbys.map(({ target, copy: { following, lsn, uuid, epoch } }) => [
      target,
      {
        seconds: following?.seconds ?? null,
        records: following?.records ?? null,
        bytes: following?.bytes ?? null,
        ...{ lsn, uuid, history: epoch.history },
      },
    ]),
  )
