/** `verify`: reads what a repository holds and proves that it is whole, to the depth asked for. */
import { OperatingError } from '../../engine/index.ts'
import type { VerifyInput } from '../plan/step-inputs.ts'
import { accessWords, typedDestination } from '../target/command-line.ts'
import { estimateFrom } from './estimate.ts'
import { urlOf } from './parts-of-plan.ts'
import { snapshotText } from './snapshot-text.ts'
import type { StepContext, StepFaces, StepResult } from './step.ts'

/** Damaged things told one by one. */
const damageShown = 20

export const verify: StepFaces<'verify'> = {
  kind: 'verify',
  run,
  describe: (input, plan) => ({
    sentence: `Verify ${whatOf(input)} in ${input.in} to depth ${input.depth}${sampleText(input)}`,
    expected: `ok (${input.depth}) for every snapshot; damage ends with exit code 13 and names what it hits`,
    commands: [
      [
        ...['vectra-cli', 'collections', 'backup', 'verify'],
        ...['--source', typedDestination(plan, input.in)],
        ...accessWords(plan, [input.in], 'reads'),
        ...(input.collection === undefined ? [] : ['--collection', input.collection]),
        ...(input.snapshot?.kind === 'id' ? ['--snapshot-id', input.snapshot.id.text] : []),
        ...['--depth', input.depth],
        ...(input.sample === undefined ? [] : ['--sample', percentText(input.sample)]),
      ],
    ],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'verify' }, 10_000),
  touches: (input) => [{ access: 'reads', what: 'destination', name: input.in }],
  needs: () => [],
  examine: async () => ({ state: 'repeat', found: 'a verification only reads' }),
}

const whatOf = ({ collection, snapshot }: VerifyInput): string =>
  `${snapshotText(snapshot)} of ${collection ?? 'every collection'}`

const sampleText = ({ sample }: VerifyInput): string =>
  sample === undefined ? '' : `, reading ${percentText(sample)} of it`

/** Without the digits that a binary fraction adds. */
const percentText = (share: number): string => `${Number((share * 100).toFixed(4))}%`

async function run(input: VerifyInput, context: StepContext): Promise<StepResult> {
  const source = urlOf(context.plan, input.in)
  const snapshotId = await chosenSnapshot(input, source, context)
  const verified = await context.repositories.verify(
    {
      source,
      ...(input.collection !== undefined && { collection: input.collection }),
      ...(snapshotId !== undefined && { snapshotId }),
      depth: input.depth,
      ...(input.sample !== undefined && { sample: { share: input.sample } }),
    },
    context,
  )
  const outputs = {
    destination: input.in,
    depth: input.depth,
    objects: verified.objects,
    bytes: verified.bytes,
    snapshots: verified.snapshots.length,
    readShare: input.depth === 'manifest' ? 0 : (verified.sample?.readShare ?? 1),
    ...(verified.sample && { seed: verified.sample.seed }),
    verified: verified.snapshots.map((each) => ({ ...each })),
    ...(verified.log && {
      log: {
        ranges: verified.log.ranges.map((each) => ({ ...each })),
        damaged: [...verified.log.damaged],
      },
    }),
    damage: verified.damage.slice(0, damageShown),
  }
  await context.keep('verify.json', `${JSON.stringify({ ...outputs, damage: verified.damage })}\n`)
  if (verified.damage.length === 0) return { outputs }
  return {
    outputs,
    error: new OperatingError(
      'damaged',
      `${input.in} holds ${verified.damage.length} damaged or missing objects: ${verified.damage[0]}`,
      'Copy the snapshot again from a healthy destination, or take a new backup with mode: full.',
      { details: verified.damage },
    ),
  }
}

async function chosenSnapshot(
  { collection, snapshot }: VerifyInput,
  source: string,
  context: StepContext,
): Promise<string | undefined> {
  if (snapshot === undefined || collection === undefined) return undefined
  return snapshot.kind === 'id'
    ? context.text(snapshot.id, collection)
    : context.repositories.latest(source, collection)
}
