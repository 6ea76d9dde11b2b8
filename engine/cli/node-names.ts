/**
 * Names of nodes and clusters on the command line: `NAME=URL`, a URL, or a name that `VECTRA_NODES`
 * (`node-2=http://…,primary-cluster=http://…`), the file in `VECTRA_CLUSTER_FILE` or the server that is asked knows.
 */
import { isJsonObject } from '../base/canonical-json.ts'
import { fail } from '../base/errors.ts'
import { KiB } from '../base/limits.ts'
import type { NodeAddress } from '../collection/replica-file.ts'
import { VectraClient } from '../server/client.ts'
import type { NodeDescription } from '../server/served-node.ts'
import type { Context } from './context.ts'
import { servedBy } from './served-by.ts'

const pattern = /^(?:([A-Za-z0-9][A-Za-z0-9._-]*)=)?(https?:\/\/\S+)$/

/** Who speaks to the node at `url`. */
export const clientOf = ({ io, token }: Context, url: string): VectraClient =>
  new VectraClient({ endpoint: url, token, signal: io.signal })

/** A node as it describes itself. @throws `unreachable` */
export async function describeNode(client: VectraClient): Promise<NodeDescription> {
  const found = await client.ask<NodeDescription>('GET', '/vectra/v1/cluster')
  const isNode = [found?.nodes, found?.copies].every(Array.isArray) && found.node !== undefined
  return isNode ? found : fail('unreachable', 'what answers is no node', 'Look at its address.')
}

/** The server that the command was pointed at. @throws `usage` when there is none */
export async function ownServer(context: Context): Promise<VectraClient> {
  return (
    (await servedBy(context)) ??
    fail(
      'usage',
      `no server has ${context.data}: only servers are nodes of a cluster`,
      'Start one with vectra-cli serve, or name it with --endpoint, VECTRA_ENDPOINT or --node NAME=URL.',
    )
  )
}

/** The node that `given` means; without it the server that the command was pointed at. */
export async function nodeClient(
  context: Context,
  given: string | undefined,
): Promise<VectraClient> {
  return given === undefined
    ? ownServer(context)
    : clientOf(context, (await findNode(context, given)).url)
}

/** @throws `name-not-found` for a name that nobody knows */
export async function findNode(context: Context, given: string): Promise<NodeAddress> {
  const match = pattern.exec(given)
  const [, name, url] = match ?? []
  if (url !== undefined) {
    return { name: name ?? (await describeNode(clientOf(context, url))).node.name, url }
  }
  const known = new Map([...fromEnvironment(context), ...(await fromFile(context))])
  const found = known.get(given) ?? (await fromServer(context, given))
  if (found !== undefined) return { name: given, url: found }
  return fail(
    'name-not-found',
    `nobody knows where ${given} is`,
    `Write ${given}=URL, or name it in VECTRA_NODES (${given}=URL,…) or in the file VECTRA_CLUSTER_FILE.`,
  )
}

function fromEnvironment({ io }: Context): [string, string][] {
  return (io.env['VECTRA_NODES'] ?? '').split(',').flatMap((each) => {
    const [, name, url] = pattern.exec(each.trim()) ?? []
    return name === undefined || url === undefined ? [] : [[name, url]]
  })
}

/** `{ "node-2": "http://…" }` */
async function fromFile({ io }: Context): Promise<[string, string][]> {
  const file = io.env['VECTRA_CLUSTER_FILE']
  if (file === undefined || file === '') return []
  const text = (await io.disk.readFile(file, 64 * KiB)).toString('utf8')
  const refuse = (): never =>
    fail(
      'usage',
      `${file} is no list of nodes`,
      'Write JSON: {"node-2": "http://10.0.0.2:7700"}.',
      {
        place: { file },
      },
    )
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return refuse()
  }
  if (!isJsonObject(value)) return refuse()
  return Object.entries(value).map(([name, url]) =>
    typeof url === 'string' && pattern.test(url) ? [name, url] : refuse(),
  )
}

async function fromServer(context: Context, name: string): Promise<string | undefined> {
  const client = await servedBy(context)
  if (client === undefined) return undefined
  const { node, cluster, nodes } = await describeNode(client)
  if (node.name === name || cluster === name) return node.url
  return nodes.find((each) => each.name === name)?.url
}
