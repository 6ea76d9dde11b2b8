/**
 * `canary`: writes numbered points until the disaster, so that the loss can be counted.
 *
 * It runs beside the steps that follow. Each write waits for the acknowledgement of the one before, so
 * that what was acknowledged is a number; when each was stands in the record. The points are real
 * ones, in counts, digests and snapshots: `check: { canary: true }` counts them and takes them out
 * before it measures anything.
 */
import { fail, isOperatingError } from '../../engine/index.ts'
import type { CanaryInput } from '../plan/step-inputs.ts'
import type { Position } from '../target/target.ts'
import { canaryId, canaryPoint } from './canary-points.ts'
import { estimateFrom } from './estimate.ts'
import { positionJson, toIso } from './observation.ts'
import type { StepContext, StepFaces, StepResult } from './step.ts'
import { pause } from './timer.ts'

/** In the record. */
const timesKept = 4_096
/** Between two points at most so much: then the target stays open. */
const keepOpenMs = 1_000

export const canary: StepFaces<'canary'> = {
  kind: 'canary',
  run,
  examine: async () => ({
    state: 'done',
    found: 'it ended with its process, and what was acknowledged is known to nobody any more',
    result: { outputs: {} },
  }),
  async undo({ target, collection }, { outputs }, context) {
    const { mark, written } = outputs
    if (typeof mark !== 'string' || typeof written !== 'number') return undefined
    const ids = Array.from({ length: written }, (_, number) => canaryId(mark, number))
    try {
      await context.target(target).deletePoints(collection, ids, context)
    } catch (error) {
      if (!isOperatingError(error, 'collection-not-found')) throw error
    }
    return { outputs: { deleted: written } }
  },
  describe: ({ target, collection, everyMs }) => ({
    sentence: `Write canary points to ${collection} on ${target} until the disaster, ${rateText(everyMs)}`,
    expected: 'points are written and acknowledged until the disaster',
    commands: [],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'canary' }, 1_000),
  touches: ({ target, collection }) => [
    { access: 'writes', what: 'target', name: `${target}/${collection}` },
  ],
  needs: ({ target }) => [{ target, capabilities: ['write', 'position'] }],
}

const rateText = (everyMs: number): string => {
  const [count, unit] =
    everyMs <= 1_000 ? [1_000 / everyMs, 'second'] : [3_600_000 / everyMs, 'hour']
  return `${Number(count.toFixed(1))} a ${unit}`
}

async function run(input: CanaryInput, context: StepContext): Promise<StepResult> {
  const { target, collection, everyMs } = input
  const { signal, timer, clock } = context
  const mark = `${clock.nowMs().toString(36)}-${context.id}`
  const times = acknowledgedTimes()
  let last: Position | undefined
  let over: AbortSignal | undefined
  await context.target(target).writeAlong(
    {
      collection,
      point: (number, dimension) => canaryPoint(mark, number, dimension),
      keepOpen: everyMs <= keepOpenMs,
      async acknowledged(number, position) {
        times.note(number, position.observedAt)
        last = position
        over ??= context.beside()
        const ends = AbortSignal.any([signal, over])
        try {
          await pause(timer, everyMs, ends)
        } catch (error) {
          if (!ends.aborted) throw error
        }
        return ends.aborted ? 'end' : 'next'
      },
    },
    context,
  )
  if (last === undefined) {
    return fail(
      'collection-not-found',
      `there is no collection ${collection} on ${target}`,
      'Name one that is there.',
    )
  }
  const { written, firstAt, afterMs, stride } = times.noted()
  context.remark(`${written} canary points acknowledged`)
  return {
    outputs: {
      target,
      collection,
      mark,
      written,
      lastLsn: last.lsn,
      lastAcknowledgedAt: toIso(last.observedAt),
      last: positionJson(last),
      firstAt: toIso(firstAt),
      afterMs,
      stride,
    },
  }
}

/** When points were acknowledged: all of them, or every second, fourth … where there are many. */
function acknowledgedTimes() {
  let written = 0
  let stride = 1
  let times: number[] = []
  return {
    note(number: number, at: number): void {
      written = number + 1
      if (number % stride === 0) times.push(at)
      if (times.length <= timesKept) return
      times = times.filter((_, index) => index % 2 === 0)
      stride *= 2
    },
    noted() {
      const [firstAt = 0] = times
      return { written, stride, firstAt, afterMs: times.map((at) => at - firstAt) }
    },
  }
}
