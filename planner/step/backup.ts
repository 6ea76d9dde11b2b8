/** `backup`: takes a snapshot of each collection, from its own target, into one destination. */
import { fail, type JsonObject } from '../../engine/index.ts'
import type { Plan, PlanCollection } from '../plan/plan.ts'
import type { BackupInput } from '../plan/step-inputs.ts'
import { accessWords, typedDestination, vectraCli } from '../target/command-line.ts'
import { estimateFrom } from './estimate.ts'
import { positionJson } from './observation.ts'
import type { Evidence } from './record.ts'
import type { StepContext, StepFaces, StepResult } from './step.ts'

export const backup: StepFaces<'backup'> = {
  kind: 'backup',
  run,
  describe: (input, plan) => ({
    sentence: `Back up ${input.collections.join(', ')} to ${input.to} as ${input.id.text}`,
    commands: input.collections.map((name) =>
      vectraCli(
        plan,
        collectionOf(plan, name).target,
        ...['collections', 'backup', name],
        ...['--destination', typedDestination(plan, input.to)],
        ...accessWords(plan, [input.to], 'writes'),
        ...['--snapshot-id', input.id.text],
        ...(input.mode === 'full' ? ['--mode', 'full'] : []),
        '--wait',
      ),
    ),
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'backup' }, 10_000),
  touches: (input, plan) => [
    ...input.collections.map(
      (name) =>
        ({
          access: 'reads',
          what: 'target',
          name: `${collectionOf(plan, name).target}/${name}`,
        }) as const,
    ),
    { access: 'writes', what: 'destination', name: input.to },
  ],
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
}

async function run(input: BackupInput, context: StepContext): Promise<StepResult> {
  const { plan } = context
  const destination = plan.destinations.get(input.to)?.url
  if (destination === undefined) return fail('step-failed', `no destination ${input.to}`, '')
  const snapshots: JsonObject[] = []
  const evidence: Evidence[] = []
  for (const name of input.collections) {
    const { target, golden, embedding } = collectionOf(plan, name)
    const made = await context.target(target).backup(
      {
        collection: name,
        destination,
        snapshotId: context.text(input.id, name),
        mode: input.mode,
        golden,
        ...(embedding && { embedding }),
      },
      context,
    )
    const { position, manifest, ...rest } = made
    snapshots.push({ collection: name, target, ...rest, position: positionJson(position) })
    evidence.push({ artefact: `${input.to}:${manifest.path}`, sha256: manifest.sha256 })
  }
  const [only] = snapshots
  return {
    outputs: {
      destination: input.to,
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

const collectionOf = (plan: Plan, name: string): PlanCollection =>
  plan.collections.get(name) ?? fail('step-failed', `the plan has no collection ${name}`, '')
