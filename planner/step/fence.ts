/** `fence`: refuses all further writes to a target. */
import { fromSerialised, isOperatingError } from '../../engine/index.ts'
import type { Plan } from '../plan/plan.ts'
import { vectraCli } from '../target/command-line.ts'
import { estimateFrom } from './estimate.ts'
import { nodeOf } from './nodes.ts'
import { toIso } from './observation.ts'
import type { StepContext, StepFaces } from './step.ts'

export const fence: StepFaces<'fence'> = {
  kind: 'fence',

  async run({ target, unreachable }, context) {
    try {
      const ends = await fenceAll(target, context)
      const fencedAt = toIso(context.clock.nowMs())
      return { outputs: { target, reached: true, fencedAt, ends } }
    } catch (error) {
      if (unreachable !== 'continue' || !isOperatingError(error, 'unreachable')) throw error
      context.remark(`${target} does not answer: whoever is promoted fences it when they meet`)
      return { outputs: { target, reached: false, fencedAt: null, ends: {} } }
    }
  },

  examine: async () => ({ state: 'repeat', found: 'what is fenced stays fenced' }),

  describe: ({ target, unreachable }, plan) => ({
    sentence: `Fence ${target}, so that it takes no more writes${unreachable === 'continue' ? '; go on when it does not answer' : ''}`,
    expected: `${target} refuses writes${unreachable === 'continue' ? '; exit code 12 when it does not answer: go on' : ''}`,
    back: `${target} takes writes again only as a standby that is promoted`,
    commands: [vectraCli(plan, target, 'cluster', 'fence', ...replicatedBy(plan, target))],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'fence' }, 5_000),
  touches: ({ target }) => [{ access: 'writes', what: 'target', name: target }],
  needs: ({ target }) => [{ target, capabilities: ['fence'] }],
}

/** Collections of the plan that the target has a copy of. */
const replicatedBy = ({ replication }: Plan, target: string): string[] =>
  [...replication.values()]
    .filter(({ from, to }) => from === target || to.includes(target))
    .map(({ collection }) => collection)

/** @returns the LSN at which each ends; those that were fenced already too */
async function fenceAll(target: string, context: StepContext): Promise<Record<string, number>> {
  const node = nodeOf(context, target)
  const { copies, broken = [] } = await node.read(context)
  const named = replicatedBy(context.plan, target)
  const ends: Record<string, number> = {}
  for (const { name, role, fenced, lsn } of copies) {
    if (role !== 'primary' || (named.length > 0 && !named.includes(name))) continue
    ends[name] = fenced ? lsn : (await node.fence(name, context)).lsn
    context.remark(`${name} on ${target} ends at LSN ${ends[name]}`)
  }
  // the others are fenced by now; once this one is mended it would write again
  const left = broken.find(({ name }) => named.length === 0 || named.includes(name))
  if (left !== undefined) throw fromSerialised(left.problem)
  return ends
}
