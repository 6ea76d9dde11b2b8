/** `restore`: brings a snapshot back as a collection of a target; the name is put in place last. */
import { fail } from '../../engine/index.ts'
import type { RestoreInput } from '../plan/plan.ts'
import { accessWords, typedDestination, vectraCli } from '../target/command-line.ts'
import { estimateFrom } from './estimate.ts'
import { toIso } from './observation.ts'
import type { StepContext, StepFaces, StepResult } from './step.ts'

export const restore: StepFaces<'restore'> = {
  kind: 'restore',
  run,
  describe: (input, plan) => ({
    sentence: `Restore ${snapshotText(input)} of ${input.collection} from ${input.from.join(' or ')} to ${input.into} as ${nameText(input)}`,
    commands: [
      vectraCli(
        plan,
        input.into,
        ...['collections', 'restore', input.collection],
        ...input.from.flatMap((name) => ['--source', typedDestination(plan, name)]),
        ...accessWords(plan, input.from, 'reads'),
        ...(input.snapshot.kind === 'id' ? ['--snapshot-id', input.snapshot.id.text] : []),
        ...(input.as === undefined ? [] : ['--new-collection-name', input.as.text]),
        ...(input.replace ? ['--replace'] : []),
        ...(input.reindex ? ['--reindex'] : []),
        '--wait',
      ),
    ],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'restore' }, 30_000),
  touches: (input) => [
    ...input.from.map((name) => ({ access: 'reads', what: 'destination', name }) as const),
    {
      access: input.replace ? 'destroys' : 'writes',
      what: 'target',
      name: `${input.into}/${nameText(input)}`,
    },
  ],
  needs: ({ into }) => [{ target: into, capabilities: ['restore'] }],

  async undo(input, record, context) {
    const name = record.outputs['collection']
    if (input.replace || typeof name !== 'string') {
      context.remark('what the restore replaced is gone; the restored collection stays')
      return undefined
    }
    const { dropped } = await context.target(input.into).drop(name, true, context)
    return { outputs: { dropped } }
  },
}

const snapshotText = ({ snapshot }: RestoreInput): string =>
  snapshot.kind === 'latest' ? 'the newest snapshot' : `snapshot ${snapshot.id.text}`

const nameText = ({ as, collection }: RestoreInput): string => as?.text ?? collection

async function run(input: RestoreInput, context: StepContext): Promise<StepResult> {
  const { collection, into, snapshot } = input
  const urls = new Map(input.from.map((name) => [sourceUrl(name, context), name]))
  const restored = await context.target(into).restore(
    {
      collection,
      sources: [...urls.keys()],
      ...(snapshot.kind === 'id' && { snapshotId: context.text(snapshot.id, collection) }),
      as: input.as === undefined ? collection : context.text(input.as, collection),
      replace: input.replace,
      reindex: input.reindex,
    },
    context,
  )
  const { name, source, snapshotId, takenAt, recoveryPoint, ...rest } = restored
  return {
    outputs: {
      target: into,
      collection: name,
      restoredFrom: collection,
      snapshot: snapshotId,
      lsn: recoveryPoint.lsn,
      source: urls.get(source) ?? source,
      takenAt: toIso(takenAt),
      // the snapshot's own word that the source stood there at that instant
      recoveryPoint: { ...recoveryPoint, observedAt: toIso(takenAt) },
      ...rest,
    },
  }
}

const sourceUrl = (name: string, { plan }: StepContext): string =>
  plan.destinations.get(name)?.url ?? fail('step-failed', `no destination ${name}`, '')
