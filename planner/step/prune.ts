/** `prune`: removes the snapshots that no rule keeps, and the data that no snapshot needs any more. */
import type { KeepInput, PruneInput } from '../plan/step-inputs.ts'
import { formatDuration } from '../plan/units.ts'
import { accessWords, typedDestination } from '../target/command-line.ts'
import { estimateFrom } from './estimate.ts'
import { urlOf } from './parts-of-plan.ts'
import type { StepContext, StepFaces, StepResult } from './step.ts'

/** The rules that count, in the order in which people say them. */
const counted = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const

export const prune: StepFaces<'prune'> = {
  kind: 'prune',
  run,
  describe: (input, plan) => ({
    sentence: `Remove snapshots${input.collection === undefined ? '' : ` of ${input.collection}`} from ${input.in}, but keep ${keptText(input.keep)}`,
    expected: 'every snapshot with the rule that keeps it, or that it is removed',
    back: 'what was removed stays gone',
    commands: [
      [
        ...['vectra-cli', 'repository', 'forget', typedDestination(plan, input.in)],
        ...accessWords(plan, [input.in], 'reads'),
        ...(input.collection === undefined ? [] : ['--collection', input.collection]),
        ...flagsOf(input.keep),
        ...['--timezone', plan.timezone, '--prune'],
      ],
    ],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'prune' }, 10_000),
  touches: (input) => [{ access: 'destroys', what: 'destination', name: input.in }],
  needs: () => [],
  // the rules keep the same snapshots; the counts are then those of the rest
  examine: async () => ({
    state: 'repeat',
    found: 'what was removed is gone, and the same rules remove the rest',
  }),
}

function keptText(keep: KeepInput): string {
  const rules = counted.flatMap((rule) => (keep[rule] === undefined ? [] : `${keep[rule]} ${rule}`))
  if (keep.withinMs !== undefined) rules.push(`all within ${formatDuration(keep.withinMs)}`)
  for (const tag of keep.tags ?? []) rules.push(`tag ${tag}`)
  return rules.join(', ')
}

const flagsOf = (keep: KeepInput): string[] => [
  ...counted.flatMap((rule) =>
    keep[rule] === undefined ? [] : [`--keep-${rule}`, String(keep[rule])],
  ),
  ...(keep.withinMs === undefined ? [] : ['--keep-within', formatDuration(keep.withinMs)]),
  ...(keep.tags ?? []).flatMap((tag) => ['--keep-tag', tag]),
]

async function run(input: PruneInput, context: StepContext): Promise<StepResult> {
  const url = urlOf(context.plan, input.in)
  const { keep, collection } = input
  const request = {
    url,
    keep,
    timezone: context.plan.timezone,
    ...(collection !== undefined && { collection }),
  }
  const pruned = await context.repositories.prune(request, context)
  const outputs = {
    destination: input.in,
    kept: pruned.snapshots.filter(({ outcome }) => outcome === 'kept').length,
    removed: pruned.snapshots.filter(({ outcome }) => outcome === 'removed').length,
    objects: pruned.objects,
    bytes: pruned.bytes,
    locked: pruned.locked,
    // the audit claims nothing of them from here on
    forgotten: pruned.snapshots
      .filter(({ outcome }) => outcome === 'removed')
      .map(({ collection, snapshotId }) => ({ collection, snapshotId })),
  }
  // every snapshot with the reasons why it stayed or went
  const told = { ...outputs, snapshots: pruned.snapshots }
  await context.keep('prune.json', `${JSON.stringify(told)}\n`)
  return { outputs, ...(pruned.error && { error: pruned.error }) }
}
