/**
 * `reconcile`: which acknowledged writes are missing after a failover.
 *
 * `report` tells what the promotion of this run found, and changes nothing. `replay` lets the old primary join:
 * what only it had is written to a file there, which its server hands out, and what of that is absent is written again. The
 * server remembers that: a try that comes after one that was cut off goes on with what was not replayed yet. What is
 * otherwise now than the lost record would have it is left to a person.
 */
import { fail, isJsonObject, isOperatingError, type JsonObject } from '../../engine/index.ts'
import type { ReconcileInput } from '../plan/step-inputs.ts'
import { vectraCli } from '../target/command-line.ts'
import type { LostFile, Rejoined } from '../target/standby.ts'
import { estimateFrom } from './estimate.ts'
import { copiesOn, nodeOf, nodesOf, type PlacedCopy } from './nodes.ts'
import type { StepContext, StepFaces } from './step.ts'

export const reconcile: StepFaces<'reconcile'> = {
  kind: 'reconcile',

  run: async (input, context) => ({
    outputs: await (input.lost === 'replay' ? replay(input, context) : report(input, context)),
  }),

  examine: async () => ({
    state: 'repeat',
    found: 'only what is absent is ever written',
  }),

  describe: ({ collection, from, lost }, plan) => ({
    sentence: `Find the writes of ${collection} that ${from} lacks, and ${lost === 'replay' ? 'write them again' : 'report them'}`,
    expected:
      'what is missing was said by the promotion; what only the old primary has is told when it joins, with the file that holds it',
    commands: [vectraCli(plan, from, 'cluster', 'status')],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'reconcile' }, 60_000),
  touches: ({ collection, from, lost }) => [
    {
      access: lost === 'replay' ? 'writes' : 'reads',
      what: 'target',
      name: `${from}/${collection}`,
    },
  ],
  needs: ({ from }) => [{ target: from, capabilities: ['reconcile'] }],
}

async function report(
  { collection, from: target }: ReconcileInput,
  context: StepContext,
): Promise<JsonObject> {
  const { copies } = await copiesOn(context, [target], collection)
  const copy = copies[0]?.copy ?? noCopy(collection, target)
  const promoted = context.records
    .filter(({ kind, outcome }) => kind === 'promote' && outcome === 'passed')
    .map(({ outputs }) => outputs?.['collections'])
    .filter((each) => isJsonObject(each))
    .map((each) => each[collection])
    .findLast((each) => isJsonObject(each))
  const missing = promoted?.['lostRecords'] ?? null
  const window = promoted?.['window'] ?? null
  context.remark(
    typeof missing === 'number'
      ? `${missing} acknowledged record(s) of ${collection} are missing on ${target}`
      : `what ${collection} on ${target} lacks is known when the old primary joins: a step replicate, or lost: replay`,
  )
  return { collection, target, missing, replayed: 0, window, lsn: copy.lsn }
}

async function replay(
  { collection, from: target }: ReconcileInput,
  context: StepContext,
): Promise<JsonObject> {
  const { copies, unreachable, busy } = await copiesOn(
    context,
    nodesOf(context.plan, collection),
    collection,
  )
  if (busy.length > 0) {
    const hint = 'Try again when it is open: vectra-cli cluster status.'
    fail('locked', `${collection} on ${busy.join(', ')} is being opened, mended or replaced`, hint)
  }
  const truth = copies.find((each) => each.target === target) ?? noCopy(collection, target)
  if (unreachable.length > 0) {
    fail(
      'unreachable',
      `${unreachable.join(', ')} may have writes of ${collection} and does not answer`,
      'Bring it back first, or write lost: report.',
    )
  }
  let [missing, replayed, different] = [0, 0, 0]
  for (const { target: other, copy } of copies) {
    const follows = copy.role === 'standby' && copy.primary?.name === truth.node.name
    if (other === target) continue
    const node = nodeOf(context, other)
    const lost = follows ? null : (await node.rejoin(collection, truth.node, 'async', context)).lost
    if (lost !== null) {
      context.remark(`${other} had ${lost.records} record(s) that ${target} lacks: ${lost.file}`)
    }
    for (const file of await filesOf(collection, other, lost, truth, context)) {
      if (file.isReplayed) {
        context.remark(`${file.path} on ${other} was replayed before`)
        continue
      }
      const bytes = await node.readLost(collection, file, context)
      const done = await nodeOf(context, target).replay(collection, bytes, file.path, context)
      await node.markReplayed(collection, file, context)
      missing += done.records
      replayed += done.written
      different += done.different
    }
  }
  if (different > 0) {
    context.remark(`${different} id(s) of ${collection} are otherwise now, and were left so`)
  }
  return { collection, target, missing, replayed, different }
}

/** What the last promotion left behind on a node, also where an earlier try let it join; and what it just exported. */
async function filesOf(
  collection: string,
  other: string,
  lost: Rejoined['lost'],
  truth: PlacedCopy,
  context: StepContext,
): Promise<readonly LostFile[]> {
  try {
    const files = await nodeOf(context, other).lost(collection, context)
    return files.filter((each) => each.isOfLastPromotion || each.path === lost?.file)
  } catch (error) {
    if (!isOperatingError(error, 'name-not-found')) throw error
    if (lost === null) return []
    return fail(
      'step-failed',
      `${lost.file} is on the machine of ${other}, whose server is of a version that does not hand it out`,
      `There: vectra-cli collections reconcile ${collection} ${lost.file} --replay --endpoint ${truth.node.url}. Do it whatever comes next: ${other} follows from now on, so this step finds nothing missing when it is tried again.`,
    )
  }
}

const noCopy = (collection: string, target: string): never =>
  fail(
    'step-failed',
    `${target} has no replicated collection ${collection}`,
    'Look at: vectra-cli cluster status.',
  )
