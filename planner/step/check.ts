/**
 * `check`: measures a collection and holds it against limits and against the snapshot that a restore
 * of this run brought there. A failed check keeps everything it measured.
 */
import { fail, OperatingError } from '../../engine/index.ts'
import type { CheckInput } from '../plan/step-inputs.ts'
import { vectraCli } from '../target/command-line.ts'
import type { Expectation } from '../target/expectation.ts'
import type { Measurement } from '../target/target.ts'
import { countCanary } from './check-canary.ts'
import { type CheckedPoint, compareWithWanted } from './check-points.ts'
import { estimateFrom } from './estimate.ts'
import { positionJson, toIso } from './observation.ts'
import { showDuration } from './quantity.ts'
import type { StepContext, StepFaces, StepResult } from './step.ts'

/** Golden queries of a collection that the plan does not name. */
const defaultGolden = { sample: 64, k: 10 }

export const check: StepFaces<'check'> = {
  kind: 'check',
  run,
  describe: (input, plan) => {
    const name = input.collection.text
    return {
      sentence: `Check ${aspects(input)} of ${name} on ${input.target}${input.against ? ' against its snapshot' : ''}`,
      expected: wantedText(input),
      commands: [
        vectraCli(plan, input.target, 'collections', 'describe', name),
        vectraCli(plan, input.target, 'collections', 'stats', name),
      ],
    }
  },
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'check' }, 10_000),
  touches: ({ target, collection }) => [
    { access: 'reads', what: 'target', name: `${target}/${collection.text}` },
  ],
  needs: (input) => [
    {
      target: input.target,
      capabilities: [
        'position',
        ...(input.digest ? (['digest'] as const) : []),
        ...(input.recall || input.latency ? (['search'] as const) : []),
        ...(input.canary ? (['write'] as const) : []),
      ],
    },
  ],
  examine: async () => ({ state: 'repeat', found: 'a check only looks' }),
}

/** What has to be true, in words. Recall and latency are measured by a run and not by these commands. */
function wantedText(input: CheckInput): string {
  const { count, recall, latency } = input
  const bounds = Object.entries(latency ?? {}).map(
    ([name, limitMs]) => `${name.replace('Ms', '')} at most ${showDuration(limitMs)}`,
  )
  const searched = [
    recall === undefined ? [] : [`recall of at least ${recall.min}`],
    bounds.length === 0 ? [] : [`latency ${bounds.join(', ')}`],
  ].flat()
  const wanted = [
    ...(count === 'equal' ? ['as many points as the snapshot has'] : []),
    ...(typeof count === 'object' && count.min !== undefined
      ? [`points: ${count.min} or more`]
      : []),
    ...(typeof count === 'object' && count.max !== undefined
      ? [`points: ${count.max} or fewer`]
      : []),
    ...(input.digest === undefined ? [] : ['the digest of the snapshot']),
    ...(input.parity ? ['dimension, metric and index settings of the snapshot'] : []),
    ...(input.canary === true ? ['canary points: which acknowledged ones are missing'] : []),
    ...(searched.length === 0 ? [] : [`${searched.join(' and ')}, which a run measures`]),
  ]
  return wanted.length === 0 ? 'it is there' : wanted.join('; ')
}

function aspects(input: CheckInput): string {
  const named = [
    input.count !== undefined && 'count',
    input.digest !== undefined && 'content digest',
    input.parity && 'parity',
    input.recall !== undefined && `recall ≥ ${input.recall.min}`,
    input.latency !== undefined && 'latency',
    input.canary === true && 'lost canary points',
  ].filter((each) => each !== false)
  return named.length === 0 ? 'the presence' : named.join(', ')
}

async function run(input: CheckInput, context: StepContext): Promise<StepResult> {
  const collection = context.text(input.collection)
  const restored = restoredHere(input.target, collection, context)
  const expectation = await expectationOf(input, collection, restored, context)
  const canary =
    input.canary === true
      ? await countCanary(input.target, restored?.collection ?? collection, collection, context)
      : undefined
  if (canary !== undefined) context.remark(canary.remark)
  const golden = context.plan.collections.get(restored?.collection ?? collection)?.golden
  const measurement = await context.target(input.target).measure(
    {
      collection,
      digest: input.digest !== undefined,
      search: input.recall !== undefined || input.latency !== undefined,
      ...(expectation && { expectation }),
      golden: golden ?? defaultGolden,
    },
    context,
  )
  const points = compareWithWanted(input, measurement, expectation)
  for (const point of points) context.remark(told(point))
  const outputs = {
    target: input.target,
    collection,
    // which collection of the plan this is evidence for
    ...(restored && { restoredFrom: restored.collection, snapshot: restored.snapshot }),
    ...canary?.outputs,
    points: points.map((point) => ({ ...point })),
    ...measured(measurement),
  }
  await context.keep('measurement.json', `${JSON.stringify({ ...measurement, points })}\n`)
  const failed = points.filter((point) => !point.passed)
  if (failed.length === 0) return { outputs, ...(canary?.error && { error: canary.error }) }
  return {
    outputs,
    error: new OperatingError(
      'check-failed',
      `${collection} on ${input.target} is not as it should be: ${failed.map(told).join('; ')}`,
      'Restore another snapshot, or the same one from another destination, and check again.',
    ),
  }
}

const told = ({ what, passed, found, wanted }: CheckedPoint): string =>
  `${what} ${passed ? 'is' : 'is NOT as wanted:'} ${found} (wanted: ${wanted})`

const measured = (measurement: Measurement) => ({
  count: measurement.position.count,
  position: positionJson(measurement.position),
  contentKnownAt: toIso(measurement.contentKnownAt),
  ...(measurement.digest !== undefined && { digest: measurement.digest }),
  ...(measurement.search && {
    truth: measurement.search.truth,
    recall: measurement.search.recall,
    k: measurement.search.k,
    queries: measurement.search.queries,
    worst: measurement.search.worst.map((each) => ({ ...each })),
    searches: measurement.search.searches,
    latencyP50Ms: measurement.search.latencyMs.p50,
    latencyP95Ms: measurement.search.latencyMs.p95,
    latencyP99Ms: measurement.search.latencyMs.p99,
    servingAt: toIso(measurement.search.servingAt),
  }),
})

interface RestoredHere {
  readonly collection: string
  readonly snapshot: string
  readonly source: string
}

/** The newest restore of this run into that place. */
function restoredHere(
  target: string,
  name: string,
  { records }: StepContext,
): RestoredHere | undefined {
  const outputs = records.findLast(
    (record) =>
      record.kind === 'restore' &&
      record.outcome === 'passed' &&
      record.outputs['target'] === target &&
      record.outputs['collection'] === name,
  )?.outputs
  if (outputs === undefined) return undefined
  const { restoredFrom, snapshot, source } = outputs
  if (typeof restoredFrom !== 'string' || typeof snapshot !== 'string') return undefined
  return typeof source === 'string' ? { collection: restoredFrom, snapshot, source } : undefined
}

async function expectationOf(
  input: CheckInput,
  collection: string,
  restored: RestoredHere | undefined,
  { plan, repositories }: StepContext,
): Promise<Expectation | undefined> {
  if (input.against === undefined) return undefined
  if (restored === undefined) {
    return fail(
      'check-failed',
      `no restore of this run brought ${collection} to ${input.target}`,
      'Put a restore step before the check, or leave out against: snapshot.',
    )
  }
  const source = plan.destinations.get(restored.source)?.url ?? restored.source
  const expectation = await repositories.expectation(source, restored.collection, restored.snapshot)
  if (restored.collection === collection) return expectation
  // a clone under another name takes none of the aliases
  return { ...expectation, shape: { ...expectation.shape, aliases: [] } }
}
