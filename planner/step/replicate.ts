/** `replicate`: one target follows another. */
import type { JsonObject } from '../../engine/index.ts'
import type { Plan } from '../plan/plan.ts'
import type { ReplicateInput } from '../plan/step-inputs.ts'
import { accessWords, typedDestination, vectraCli } from '../target/command-line.ts'
import { estimateFrom } from './estimate.ts'
import { nodeOf } from './nodes.ts'
import { urlOf } from './parts-of-plan.ts'
import type { StepContext, StepFaces } from './step.ts'

export const replicate: StepFaces<'replicate'> = {
  kind: 'replicate',

  async run(input, context) {
    const { from, to, mode, collections } = input
    const joined: Record<string, JsonObject> = {}
    for (const name of collections) {
      context.signal.throwIfAborted()
      joined[name] = await join(name, input, context)
    }
    return { outputs: { from, to, mode, collections: joined } }
  },

  examine: async () => ({ state: 'repeat', found: 'what follows already goes on following' }),

  describe: (input, plan) => ({
    sentence: `Let ${input.to} follow ${input.from} with ${input.collections.join(', ')} (${input.mode})`,
    expected: `${input.to} has what ${input.from} has, and stays close behind`,
    back: `what ${input.to} held before is gone; what only it had is in a file there, named when it joins`,
    commands: commandsOf(input, plan),
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'replicate' }, 60_000),
  touches: ({ from, to, collections, base }) => [
    ...collections.flatMap((name) => [
      { access: 'reads', what: 'target', name: `${from}/${name}` } as const,
      { access: 'destroys', what: 'target', name: `${to}/${name}` } as const,
    ]),
    ...(base === undefined ? [] : [{ access: 'reads', what: 'destination', name: base } as const]),
  ],
  needs: ({ from, to }) => [
    { target: from, capabilities: ['replicate'] },
    { target: to, capabilities: ['replicate'] },
  ],
}

/** An old primary joins again; any other node takes a base. */
async function join(
  name: string,
  { from, to, mode, base }: ReplicateInput,
  context: StepContext,
): Promise<JsonObject> {
  const [source, follower] = [nodeOf(context, from), nodeOf(context, to)]
  const [there, here] = await Promise.all([source.read(context), follower.read(context)])
  const copy = here.copies.find((each) => each.name === name)
  const follows = copy?.role === 'standby' && copy.primary?.name === there.node.name
  if (copy === undefined || follows) {
    const url = base === undefined ? undefined : urlOf(context.plan, base)
    const joined = await source.replicate(name, here.node, { mode, base: url }, context)
    const { from: began, instead } = joined
    const since = began ? `, from snapshot ${began.snapshotId} of ${base} on` : ''
    context.remark(`${to} follows ${from} with ${name}${since}`)
    if (instead !== undefined) {
      context.remark(`${name} was not taken from ${base}, but from ${from}: ${instead}`)
    }
    return {
      how: follows ? 'kept' : 'seeded',
      lost: null,
      ...(began && { snapshot: { id: began.snapshotId, lsn: began.lsn } }),
    }
  }
  const { how, lost } = await follower.rejoin(name, there.node, mode, context)
  context.remark(
    lost === null
      ? `${to} had nothing of ${name} that ${from} lacks, and follows`
      : `${to} had ${lost.records} record(s) of ${name} that ${from} lacks: they are in ${lost.file} there`,
  )
  return { how, lost: lost && { file: lost.file, records: lost.records } }
}

function commandsOf({ from, to, collections, mode, base }: ReplicateInput, plan: Plan): string[][] {
  const [source, follower] = [plan.targets.get(from), plan.targets.get(to)]
  if (source?.kind !== 'vectra-server' || follower?.kind !== 'vectra-server') return []
  return collections.map((name) =>
    // against the plan's own direction it is the old primary that follows
    plan.replication.get(name)?.from === from
      ? vectraCli(
          plan,
          from,
          ...['collections', 'replicate', name],
          ...['--replica-node', follower.url, '--mode', mode],
          ...(base === undefined ? [] : ['--base', typedDestination(plan, base)]),
          ...(base === undefined ? [] : accessWords(plan, [base], 'reads')),
        )
      : vectraCli(
          plan,
          to,
          ...['cluster', 'rejoin', name, '--primary', source.url, '--mode', mode],
        ),
  )
}
