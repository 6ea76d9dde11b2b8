/** The targets that replicate a collection, as nodes. */
import { isOperatingError, OperatingError } from '../../engine/index.ts'
import type { Plan } from '../plan/plan.ts'
import { brokenOn, type Copy, type NodeAddress, type StandbyAdapter } from '../target/standby.ts'
import type { StepContext } from './step.ts'

/** The target as a node. @throws `not-offered` when it is none; `needs` refuses it before the run starts */
export function nodeOf(context: Pick<StepContext, 'target'>, target: string): StandbyAdapter {
  const { standby } = context.target(target)
  if (standby !== undefined) return standby
  throw new OperatingError(
    'not-offered',
    `${target} is no node of a cluster`,
    'Give it a url: of vectra-cli serve.',
  )
}

/** The targets between which a collection is replicated; its own alone where nothing replicates. */
export function nodesOf({ replication, collections }: Plan, collection: string): readonly string[] {
  const found = replication.get(collection)
  if (found !== undefined) return [found.from, ...found.to]
  const own = collections.get(collection)?.target
  return own === undefined ? [] : [own]
}

/** A copy of a collection on a target. */
export interface PlacedCopy {
  readonly target: string
  readonly node: NodeAddress
  readonly copy: Copy
}

/**
 * How a collection stands on those of `targets` that answer and have it replicated; `busy`: where it is being
 * opened, mended or replaced just now.
 * @throws what opening it failed with, on any
 */
export async function copiesOn(
  context: StepContext,
  targets: readonly string[],
  collection: string,
): Promise<{
  readonly copies: readonly PlacedCopy[]
  readonly unreachable: readonly string[]
  readonly busy: readonly string[]
}> {
  const copies: PlacedCopy[] = []
  const unreachable: string[] = []
  const busy: string[] = []
  for (const target of targets) {
    try {
      const reading = await nodeOf(context, target).read(context)
      const { node, copies: all } = reading
      const problem = brokenOn(reading, collection)
      if (isOperatingError(problem, 'locked')) busy.push(target)
      else if (problem !== undefined) throw problem
      const copy = all.find(({ name }) => name === collection)
      if (copy !== undefined) copies.push({ target, node, copy })
    } catch (error) {
      if (!isOperatingError(error, 'unreachable')) throw error
      unreachable.push(target)
    }
  }
  return { copies, unreachable, busy }
}
