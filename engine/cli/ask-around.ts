/** Asks the nodes of a cluster how they stand: whoever is named by one that answers. */
import { OperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { NodeAddress } from '../collection/replica-file.ts'
import type { NodeDescription } from '../server/served-node.ts'
import type { Context } from './context.ts'
import { clientOf, describeNode } from './node-names.ts'
import { withinLimit } from './within-limit.ts'

/** For each of the other nodes to say how it stands; a link may look open and carry nothing. */
const statusMs = 5_000
const noAnswer = new OperatingError('unreachable', 'nothing came in time', '')

/** Whom a node names: those that it was told of, its standbys, and whom it follows. */
const namedBy = ({ nodes, copies }: NodeDescription): NodeAddress[] => [
  ...nodes,
  ...copies.flatMap(({ members, primary }) => [...members, ...(primary === null ? [] : [primary])]),
]

/** `found`: as it describes itself, or why it does not. */
export type Asked = { readonly node: NodeAddress; readonly found: NodeDescription | string }

/**
 * All nodes that are named by one that answers: after a failover hardly any knows all of them. No more than a cluster
 * has, whatever they name.
 */
export async function askAround(context: Context, own: NodeDescription): Promise<readonly Asked[]> {
  const asked = new Map<string, Asked>()
  let named = namedBy(own)
  for (;;) {
    const next = new Map(
      named
        .filter(({ name }) => name !== own.node.name && !asked.has(name))
        .map(({ name, url }) => [name, { name, url }] as const),
    )
    const some = [...next.values()].slice(0, limits.clusterNodes - asked.size)
    if (some.length === 0) return [...asked.values()]
    const answers = await Promise.all(
      some.map(async (node): Promise<Asked> => {
        const found = await withinLimit(context, statusMs, noAnswer, (limited) =>
          describeNode(clientOf(limited, node.url)),
        ).catch((error: unknown) => String(error))
        context.io.signal.throwIfAborted()
        return { node, found }
      }),
    )
    for (const each of answers) asked.set(each.node.name, each)
    named = answers.flatMap(({ found }) => (typeof found === 'string' ? [] : namedBy(found)))
  }
}
