/** A target of the plan: what it is, where it is, what opens it. */
import * as path from 'node:path'
import type { Target } from './plan.ts'
import { optional, type PlanNode } from './plan-node.ts'
import { type DestinationOptions, domainsOf } from './resolve-destination.ts'
import { Secret } from './secret.ts'

/** A target that passed every check, its path absolute. */
export function resolveTarget(name: string, node: PlanNode, options: DestinationOptions): Target {
  const { directory, setting } = options
  const shared = { name, domains: domainsOf(node), place: node.place }
  const engine = node.need('engine').word(['vectra', 'qdrant', 'pgvector', 'weaviate'])
  const secret = (key: string): Secret | undefined => {
    const found = node.get(key)
    return found && new Secret(found.text().slice('${env.'.length, -1), setting(found))
  }
  const file = node.get('path')
  if (engine === 'vectra' && file !== undefined) {
    return { kind: 'vectra', path: path.resolve(directory, setting(file)), ...shared }
  }
  const url = setting(node.need('url'))
  return engine === 'vectra'
    ? { kind: 'vectra-server', url, ...optional('token', secret('token')), ...shared }
    : { kind: engine, url, ...optional('apiKey', secret('apiKey')), ...shared }
}
