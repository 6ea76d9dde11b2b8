/** `copy`: brings snapshots to another destination and reads them back there. */
import type { OperatingError } from '../../engine/index.ts'
import type { CopyInput } from '../plan/step-inputs.ts'
import { copyWords, typedDestination } from '../target/command-line.ts'
import { estimateFrom } from './estimate.ts'
import { urlOf } from './parts-of-plan.ts'
import { snapshotText } from './snapshot-text.ts'
import type { StepContext, StepFaces, StepResult } from './step.ts'

export const copy: StepFaces<'copy'> = {
  kind: 'copy',
  run,
  describe: (input, plan) => ({
    sentence: `Copy ${snapshotText(input.snapshot)} of ${input.collection ?? 'every collection'} from ${input.from} to ${input.to}`,
    expected: 'every snapshot is copied or was there, and what was brought is read back',
    commands: [
      [
        ...['vectra-cli', 'repository', 'copy'],
        ...[typedDestination(plan, input.from), typedDestination(plan, input.to)],
        ...copyWords(plan, input.from, input.to),
        ...(input.collection === undefined ? [] : ['--collection', input.collection]),
        ...(input.snapshot?.kind === 'id' ? ['--snapshot', input.snapshot.id.text] : []),
      ],
    ],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'copy' }, 30_000),
  touches: (input) => [
    { access: 'reads', what: 'destination', name: input.from },
    { access: 'writes', what: 'destination', name: input.to },
  ],
  needs: () => [],
  // the counts are then those of the rest
  examine: async () => ({
    state: 'repeat',
    found: 'what was copied stays, and only what is missing is copied',
  }),
}

async function run(input: CopyInput, context: StepContext): Promise<StepResult> {
  const from = urlOf(context.plan, input.from)
  const { collection, snapshot } = input
  const snapshotId =
    snapshot === undefined || collection === undefined
      ? undefined
      : snapshot.kind === 'id'
        ? context.text(snapshot.id, collection)
        : await context.repositories.latest(from, collection)
  const copied = await context.repositories.copy(
    {
      from,
      to: urlOf(context.plan, input.to),
      ...(collection !== undefined && { collection }),
      ...(snapshotId !== undefined && { snapshotId }),
    },
    context,
  )
  const counted = (outcome: string): number =>
    copied.snapshots.filter((each) => each.outcome === outcome).length
  const outputs = {
    from: input.from,
    to: input.to,
    ...(snapshotId !== undefined && { snapshot: snapshotId }),
    copied: counted('copied'),
    present: counted('present'),
    failed: counted('failed'),
    objects: copied.objects,
    bytes: copied.bytes,
    archived: copied.archived,
    // those that were brought now, and read back at the far end
    snapshots: copied.snapshots
      .filter(({ outcome }) => outcome === 'copied')
      .map((each) => ({
        collection: each.collection,
        snapshotId: each.snapshotId,
        readShare: each.readShare,
      })),
  }
  // every snapshot with what became of it, and how much of it was read back
  const told = { ...outputs, snapshots: copied.snapshots }
  await context.keep('copy.json', `${JSON.stringify(told)}\n`)
  const evidence = copied.snapshots
    .filter(({ outcome }) => outcome !== 'failed')
    .map((each) => ({ artefact: `${input.to}:${each.path}`, sha256: each.manifestSha256 }))
  return { outputs, evidence, ...errorOf(copied.error) }
}

const errorOf = (error: OperatingError | undefined): { error?: OperatingError } =>
  error === undefined ? {} : { error }
