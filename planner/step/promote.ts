/** `promote`: the collections of a standby accept writes from here on; a new epoch begins. */
import { fail, type JsonObject } from '../../engine/index.ts'
import { vectraCli } from '../target/command-line.ts'
import { brokenOn, type LossWindow, type Promoted } from '../target/standby.ts'
import { estimateFrom } from './estimate.ts'
import { nodeOf } from './nodes.ts'
import type { StepContext, StepFaces } from './step.ts'

export const promote: StepFaces<'promote'> = {
  kind: 'promote',

  async run(input, context) {
    const { target, collections } = input
    const promoted: Record<string, JsonObject> = {}
    for (const name of collections) {
      context.signal.throwIfAborted()
      promoted[name] = await promoteOne(name, input, context)
    }
    const first = promoted[collections[0] ?? '']
    const { epoch = null, lsn = null } = first ?? {}
    return { outputs: { target, epoch, lsn, collections: promoted } }
  },

  examine: async () => ({
    state: 'repeat',
    found: 'what was promoted is left as it is, and the rest is promoted',
  }),

  describe: ({ target, collections, planned }, plan) => ({
    sentence: `Promote ${collections.join(', ')} on ${target}${planned ? ', once it has everything' : ''}`,
    expected: `${target} takes writes, in a new epoch; the old primary is fenced`,
    back: 'only another promotion takes it back, once the other side follows',
    commands: [
      vectraCli(
        plan,
        target,
        ...['cluster', 'promote', ...collections],
        ...(planned ? ['--planned'] : []),
        '--yes',
      ),
    ],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'promote' }, 10_000),
  touches: ({ target, collections }) =>
    collections.map((name) => ({ access: 'writes', what: 'target', name: `${target}/${name}` })),
  needs: ({ target }) => [{ target, capabilities: ['promote'] }],
}

async function promoteOne(
  name: string,
  { target, planned }: { readonly target: string; readonly planned: boolean },
  context: StepContext,
): Promise<JsonObject> {
  const node = nodeOf(context, target)
  const reading = await node.read(context)
  const broken = brokenOn(reading, name)
  if (broken !== undefined) throw broken
  const copy = reading.copies.find((each) => each.name === name)
  if (copy === undefined) {
    const hint = 'Let it follow first: a step replicate, or vectra-cli collections replicate.'
    return fail('step-failed', `${target} has no copy of ${name} that could take over`, hint)
  }
  if (copy.role === 'primary' && !copy.fenced) {
    context.remark(`${name} on ${target} is the primary already, in epoch ${copy.epoch.number}`)
    return { epoch: copy.epoch.number, lsn: copy.lsn, already: true }
  }
  const window = await node.lossOf(name, planned, context)
  context.remark(`${name} on ${target}: ${windowText(window)}`)
  await context.note({ collection: name, window: { ...window } })
  const result = await node.promote(name, planned, window, context)
  const { epoch, lsn, lostRecords } = result
  context.remark(`${name} on ${target} takes writes in epoch ${epoch.number}, ${lossText(result)}`)
  const { records, knownRecords, asOfAt, seconds } = window
  return {
    epoch: epoch.number,
    history: epoch.history,
    lsn,
    lostRecords,
    window: { records, knownRecords, asOfAt, seconds },
  }
}

/** What a promotion may lose, before it is done. */
function windowText({ records, knownRecords, asOfAt, seconds }: LossWindow): string {
  if (records !== null) return records === 0 ? 'it has everything' : `it lacks ${records} record(s)`
  if (asOfAt === null) return 'the primary does not answer, and it is not known what is missing'
  const known = knownRecords === 0 ? '' : `${knownRecords} record(s) are known to be missing, and `
  return `the primary does not answer: ${known}what was written in the last ${seconds?.toFixed(1)} s (after ${asOfAt}) may be`
}

const lossText = ({ lsn, lostRecords }: Promoted): string =>
  lostRecords === null
    ? `after LSN ${lsn}; what the old primary has beyond is told when it joins`
    : `after LSN ${lsn}; ${lostRecords} record(s) are lost`
