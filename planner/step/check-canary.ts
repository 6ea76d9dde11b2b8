/**
 * Which acknowledged canary points did not come back: the loss that a drill measures.
 *
 * - Records: acknowledged points that are not there.
 * - Time: from the acknowledgement of the last point before the first missing one to the disaster;
 *   from the first point on when that is missing; none when nothing is.
 */
import { type JsonObject, OperatingError } from '../../engine/index.ts'
import { canaryId, findCanary } from './canary-points.ts'
import { readInstant, toIso } from './observation.ts'
import { showDuration } from './quantity.ts'
import type { StepContext } from './step.ts'

export interface CanaryLoss {
  /** For the record; the audit reads it. */
  readonly outputs: JsonObject
  /** Told to people. */
  readonly remark: string
  /** Present when the loss cannot be counted. */
  readonly error?: OperatingError
}

/**
 * Counts, then deletes the points that are there.
 * @param collection the one that the canary wrote to
 * @param restored its name where it is looked for
 */
export async function countCanary(
  target: string,
  collection: string,
  restored: string,
  context: StepContext,
): Promise<CanaryLoss> {
  const trace = findCanary(context.records, collection)
  if (trace === undefined) {
    const message = `no canary of this run wrote to ${collection}, or nobody knows any more what it wrote`
    const hint =
      'Put a canary step before the disaster, and run the drill anew if it was interrupted.'
    return {
      outputs: {},
      remark: message,
      error: new OperatingError('check-failed', message, hint),
    }
  }
  const { mark, written } = trace
  const ids = Array.from({ length: written }, (_, number) => canaryId(mark, number))
  const adapter = context.target(target)
  const missing = new Set(await adapter.missing(restored, ids, context))
  await adapter.deletePoints(restored, ids, context)
  const first = ids.findIndex((id) => missing.has(id))
  const disasterAt = disasterOf(context, collection)
  const asOf = first < 0 ? disasterAt : trace.acknowledgedAt(Math.max(0, first - 1))
  const lossMs = asOf === undefined || disasterAt === undefined ? undefined : disasterAt - asOf
  const time =
    lossMs === undefined ? '' : `, ${showDuration(Math.max(0, lossMs))} before the disaster`
  return {
    outputs: {
      canary: {
        written,
        missing: missing.size,
        ...(lossMs !== undefined &&
          asOf !== undefined && { lossMs: Math.max(0, lossMs), asOfAt: toIso(asOf) }),
      },
    },
    remark: `${missing.size} of ${written} acknowledged canary points are missing${time}`,
  }
}

function disasterOf({ records }: StepContext, collection: string): number | undefined {
  const inject = records.findLast(
    (each) => each.kind === 'inject' && each.outputs['collection'] === collection,
  )
  return readInstant(inject?.outputs['disasterAt'])
}
