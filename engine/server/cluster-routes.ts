/** `/vectra/v1/cluster`, replicas of collections, and the messages between nodes. */
import { fail, isOperatingError } from '../base/errors.ts'
import { MiB } from '../base/limits.ts'
import type { NodeAddress, WhenAlone } from '../collection/replica-file.ts'
import type { LossWindow } from '../replica/promote.ts'
import { messagePath } from './node-transport.ts'
import { json, type Route, type Served } from './route.ts'
import type { ServedNode } from './served-node.ts'
import { checkLocation, type WireLocation, wireLocation } from './wire-location.ts'

const tag = 'Cluster'
const text = { type: 'string', minLength: 1, maxLength: 2_048 } as const
const address = {
  type: 'object',
  required: ['name', 'url'],
  additionalProperties: false,
  properties: {
    name: { ...text, pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' },
    url: { ...text, pattern: '^https?://\\S+$' },
  },
} as const
const mode = { enum: ['async', 'sync'] } as const

/** As the schema says. */
interface ReplicaRequest {
  readonly mode: 'async' | 'sync'
  readonly whenAlone?: 'block' | 'async'
  readonly base?: { readonly source: WireLocation; readonly snapshotId?: string }
}

interface Named {
  readonly collection: string
}

/** See the head of this file. */
export function clusterRoutes(served: Served): Route[] {
  const body = (properties: object, required: readonly string[]) => ({
    type: 'object',
    required,
    additionalProperties: false,
    properties,
  })
  return [
    {
      method: 'POST',
      path: messagePath,
      tag,
      summary:
        'A message of another node: log, bases, promises. Binary, see format/message-frame.ts.',
      body: 'stream',
      bodyBytes: MiB,
      answersLast: true, // a synchronous write waits for the next question of a standby
      handle: async ({ stream }) => {
        const bytes = await nodeOf(served).replica.handle(await wholeOf(stream))
        return { kind: 'bytes', contentType: 'application/octet-stream', bytes }
      },
    },
    {
      method: 'GET',
      path: '/vectra/v1/cluster',
      tag,
      summary: 'This node, the nodes it knows, and how each replicated collection stands here.',
      handle: async () => json(await nodeOf(served).describe()),
    },
    {
      method: 'POST',
      path: '/vectra/v1/cluster/nodes',
      tag,
      summary: 'Makes a node known by its name.',
      body: address,
      handle: async (request) => {
        const node = request.body as NodeAddress // as the schema says
        const { nodes, replica } = nodeOf(served)
        await nodes.add(node)
        return json({ node, by: replica.self })
      },
    },
    {
      method: 'DELETE',
      path: '/vectra/v1/cluster/nodes/:node',
      tag,
      summary:
        'Forgets a node that is gone for good. Refused while it is a primary, or a synchronous standby, of what is here.',
      handle: async ({ params: { node = '' } }) => {
        const own = nodeOf(served)
        return json({ node, ...(await own.remove(node)), by: own.replica.self })
      },
    },
    {
      method: 'PUT',
      path: '/vectra/v1/collections/:name/replicas/:node',
      tag,
      summary: 'Lets a known node follow a collection of this primary.',
      body: body(
        {
          mode,
          whenAlone: { enum: ['block', 'async'] },
          base: body({ source: wireLocation, snapshotId: text }, ['source']),
        },
        ['mode'],
      ),
      handle: async ({ params, body: wanted }) => {
        const { nodes, replica } = nodeOf(served)
        const { name = '', node = '' } = params
        const found = nodes.find(node)
        const { mode, whenAlone, base } = wanted as ReplicaRequest
        if (base) checkLocation(base.source)
        const joined = await replica.replicate(name, found, { mode, whenAlone, base })
        return json({
          collection: name,
          node: found,
          mode,
          ...(whenAlone && { whenAlone }),
          joined,
        })
      },
    },
    {
      method: 'DELETE',
      path: '/vectra/v1/collections/:name/replicas/:node',
      tag,
      summary: 'Keeps no more log for a standby, and waits for it no more. Its copy stays.',
      handle: async ({ params }) => {
        const { name = '', node = '' } = params
        await nodeOf(served).replica.forget(name, node)
        return json({ collection: name, node })
      },
    },
    {
      method: 'PUT',
      path: '/vectra/v1/collections/:name/replication',
      tag,
      summary: 'What synchronous writes do while their standby is away; asks no standby.',
      body: body({ whenAlone: { enum: ['block', 'async'] } }, ['whenAlone']),
      handle: async ({ params: { name = '' }, body: wanted }) => {
        const { whenAlone } = wanted as { readonly whenAlone: WhenAlone } // as the schema says
        await nodeOf(served).replica.whenAlone(name, whenAlone)
        return json({ collection: name, whenAlone })
      },
    },
    {
      method: 'POST',
      path: '/vectra/v1/cluster/fence',
      tag,
      summary: 'Nothing is written to a collection on this node any more, until one is promoted.',
      body: body({ collection: text }, ['collection']),
      handle: async (request) => {
        const { collection } = request.body as Named // as the schema says
        return json(await nodeOf(served).replica.fence(collection))
      },
    },
    {
      method: 'POST',
      path: '/vectra/v1/cluster/promote',
      tag,
      summary:
        'Makes the copy on this node the primary. Without `accept` it only says what would be lost.',
      body: body(
        {
          collection: text,
          planned: { type: 'boolean' },
          without: { type: 'array', items: text, maxItems: 16 },
          accept: { type: 'object' },
        },
        ['collection'],
      ),
      handle: async (request) => {
        const {
          collection,
          accept,
          planned = false,
          without = [],
        } = request.body as Named & {
          readonly planned?: boolean
          readonly without?: readonly string[]
          readonly accept?: LossWindow // what this very route answered before
        }
        let window: LossWindow | undefined
        const confirm = async (now: LossWindow) => {
          window = now
          return accept !== undefined && isWithin(now, accept)
        }
        try {
          const promotion = await nodeOf(served).replica.promote(collection, {
            planned,
            without,
            confirm,
          })
          return json(promotion)
        } catch (error) {
          if (accept === undefined && window !== undefined) return json({ window })
          if (window !== undefined && accept !== undefined && !isWithin(window, accept)) {
            fail(
              'declined',
              'it is not as it was told any more: another node answers, or answers no more, or more would be lost',
              'Nothing was changed. Promote again, and read what is true now.',
            )
          }
          throw error
        }
      },
    },
    {
      method: 'POST',
      path: '/vectra/v1/cluster/rejoin',
      tag,
      summary:
        'The copy on this node becomes a standby; what only it has is written to a file first.',
      body: body({ collection: text, primary: address, mode }, ['collection', 'primary']),
      handle: async (request) => {
        const wanted = request.body as Named & { primary: NodeAddress; mode?: 'async' | 'sync' } // as the schema says
        const { replica } = nodeOf(served)
        return json(await replica.rejoin(wanted.collection, wanted.primary, wanted.mode ?? 'async'))
      },
    },
  ]
}

/** Whether no more may be lost than was told and accepted. Null, which a body leaves out: not known. */
function isWithin(now: LossWindow, accepted: Partial<LossWindow>): boolean {
  const { records = null, unreachable = [] } = accepted
  const known =
    records === null ? now.records === null : (now.records ?? Number.POSITIVE_INFINITY) <= records
  return known && now.unreachable.every((each) => unreachable.includes(each))
}

/** The bytes of a request. @throws `unreachable` when its sender went away; `request-too-large` */
async function wholeOf(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const parts: Buffer[] = []
  try {
    for await (const part of stream) parts.push(Buffer.from(part as Uint8Array)) // of a byte stream
  } catch (error) {
    if (isOperatingError(error)) throw error
    fail('unreachable', 'the node that asked went away', 'It asks again.', { cause: error })
  }
  return Buffer.concat(parts)
}

/** The server as a node. @throws `unreachable` while it starts */
export const nodeOf = ({ node }: Served): ServedNode =>
  node() ?? fail('unreachable', 'this node is starting', 'Ask again in a moment.')
