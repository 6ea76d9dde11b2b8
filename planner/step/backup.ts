/** `backup`: takes a snapshot of each collection, from its own target, into one destination. */
import type { JsonObject } from '../../engine/index.ts'
import type { Plan, PlanCollection } from '../plan/plan.ts'
import type { BackupInput } from '../plan/step-inputs.ts'
import { accessWords, typedDestination, typedPath, vectraCli } from '../target/command-line.ts'
import type { BackedUp } from '../target/target.ts'
import { estimateFrom } from './estimate.ts'
import { positionJson } from './observation.ts'
import { collectionOf, touchesOf, urlOf } from './parts-of-plan.ts'
import { showCount } from './quantity.ts'
import type { Evidence } from './record.ts'
import type { StepContext, StepFaces, StepResult } from './step.ts'

export const backup: StepFaces<'backup'> = {
  kind: 'backup',
  run,
  describe: (input, plan) => ({
    sentence: `Back up ${input.collections.join(', ')} to ${input.to} as ${input.id.text}`,
    expected: 'each collection with its snapshot id, its points and their LSN',
    commands: input.collections.map((name) =>
      vectraCli(
        plan,
        collectionOf(plan, name).target,
        ...['collections', 'backup', name],
        ...['--destination', typedDestination(plan, input.to)],
        ...accessWords(plan, [input.to], 'writes'),
        ...['--snapshot-id', input.id.text.replaceAll('${collection}', name)],
        ...(input.mode === 'full' ? ['--mode', 'full'] : []),
        ...goldenWords(plan, collectionOf(plan, name)),
        '--wait',
      ),
    ),
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'backup' }, 10_000),
  touches: touchesOf,
  needs: (input, plan) =>
    input.collections.map((name) => ({
      target: collectionOf(plan, name).target,
      capabilities: [
        'backup',
        'position',
        ...(collectionOf(plan, name).golden.file === undefined
          ? []
          : (['record golden queries of a file'] as const)),
      ],
    })),

  async examine(input, _, context) {
    const made = new Map<string, BackedUp>()
    for (const name of input.collections) {
      const before = await madeBefore(input, name, context)
      if (before !== undefined) made.set(name, before)
    }
    const all = input.collections.length
    if (made.size < all) {
      return {
        state: 'repeat',
        found: `${made.size} of ${showCount(all, 'snapshot')} is there; what is missing is backed up`,
      }
    }
    const found = `${showCount(all, 'snapshot')} of ${all} is there, complete`
    return { state: 'done', found, result: toResult(input, made, context.plan) }
  },
}

/** The sample of the command is the plan's default. */
function goldenWords(plan: Plan, { golden: { file, k } }: PlanCollection): string[] {
  return file === undefined ? [] : ['--golden-file', typedPath(plan, file), '--golden-k', String(k)]
}

async function run(input: BackupInput, context: StepContext): Promise<StepResult> {
  const { plan } = context
  const destination = urlOf(plan, input.to)
  const made = new Map<string, BackedUp>()
  for (const name of input.collections) {
    const { target, golden, embedding } = collectionOf(plan, name)
    const request = {
      collection: name,
      destination,
      snapshotId: context.text(input.id, name),
      mode: input.mode,
      golden,
      ...(embedding && { embedding }),
    }
    const before = await madeBefore(input, name, context)
    made.set(name, before ?? (await context.target(target).backup(request, context)))
  }
  return toResult(input, made, plan)
}

function toResult(
  { to }: BackupInput,
  made: ReadonlyMap<string, BackedUp>,
  plan: Plan,
): StepResult {
  const snapshots: JsonObject[] = []
  const evidence: Evidence[] = []
  for (const [name, { position, manifest, ...rest }] of made) {
    const { target } = collectionOf(plan, name)
    snapshots.push({ collection: name, target, ...rest, position: positionJson(position) })
    evidence.push({ artefact: `${to}:${manifest.path}`, sha256: manifest.sha256 })
  }
  const [only] = snapshots
  return {
    outputs: {
      destination: to,
      snapshots,
      ...(snapshots.length === 1 && only !== undefined && summary(only)),
    },
    evidence,
  }
}

const summary = ({ snapshotId, lsn, count, digest }: JsonObject): JsonObject => ({
  snapshot: snapshotId ?? null,
  lsn: lsn ?? null,
  count: count ?? null,
  digest: digest ?? null,
})

/**
 * The snapshot of the collection that this step made before its process died, when it is complete. One
 * that stood there before is not it: what happens then is for the backup itself to say.
 */
async function madeBefore(
  { to, id }: BackupInput,
  collection: string,
  { interrupted, plan, repositories, text, ...work }: StepContext,
): Promise<BackedUp | undefined> {
  if (interrupted === undefined) return undefined
  const url = urlOf(plan, to)
  const snapshotId = text(id, collection)
  const stored = await repositories.backup(url, collection, snapshotId)
  if (stored === undefined) return undefined
  const { createdAt, ...made } = stored
  if (createdAt < interrupted.at || made.position.observedAt < interrupted.at) return undefined
  const request = { source: url, collection, snapshotId, depth: 'manifest' } as const
  const { damage } = await repositories.verify(request, work)
  return damage.length === 0 ? made : undefined
}
