/** A destination of the plan: where it is, what opens it, what it would be lost together with. */
import assert from 'node:assert'
import * as path from 'node:path'
import type { LockPolicy } from '../../engine/index.ts'
import { readLocation, withStore } from './location.ts'
import type { Destination, DestinationKey, FailureDomains } from './plan.ts'
import { optional, type PlanNode } from './plan-node.ts'
import { Secret } from './secret.ts'
import { readDuration, readRate } from './units.ts'

export interface DestinationOptions {
  /** Relative paths start here. */
  readonly directory: string
  /** The text of a setting with its variables filled in. */
  setting(node: PlanNode): string
}

/** A destination that passed every check, its paths absolute. */
export function resolveDestination(
  name: string,
  node: PlanNode,
  options: DestinationOptions,
): Destination {
  const { directory, setting } = options
  const url = readLocation(setting(node.need('url')), directory)
  assert(url.problem === undefined, `${node.pointer} ${url.problem}`)
  const endpoint = node.get('endpoint')
  const lock = node.get('objectLock')
  const bandwidth = node.get('bandwidth')
  const encryption = node.get('encryption')
  const signing = node.get('signing')
  const keyFile = signing?.get('keyFile')
  const trust = signing?.get('trust')
  return {
    name,
    url: withStore(url.value, endpoint && setting(endpoint), text(node.get('region'))),
    ...(lock && { objectLock: resolveLock(lock) }),
    ...(bandwidth && { bandwidthBytes: resolveRate(bandwidth) }),
    ...(encryption && { encryption: resolveKey(encryption, options) }),
    ...(signing && {
      signing: {
        ...(keyFile && { keyFile: path.resolve(directory, setting(keyFile)) }),
        ...(trust && { trust: trust.items().map((each) => each.text()) }),
      },
    }),
    domains: domainsOf(node),
    place: node.place,
  }
}

function resolveLock(node: PlanNode): LockPolicy {
  const forMs = readDuration(node.need('for').text())
  assert(forMs.problem === undefined, `${node.pointer} ${forMs.problem}`)
  const mode = node.need('mode').text() === 'compliance' ? 'compliance' : 'governance'
  return { mode, forMs: forMs.value }
}

function resolveRate(node: PlanNode): number {
  const rate = readRate(node.text())
  assert(rate.problem === undefined, `${node.pointer} ${rate.problem}`)
  return rate.value
}

function resolveKey(node: PlanNode, { directory, setting }: DestinationOptions): DestinationKey {
  const file = node.get('keyFile')
  if (file !== undefined) return { kind: 'file', path: path.resolve(directory, setting(file)) }
  const command = node.get('keyCommand')
  if (command !== undefined) {
    return { kind: 'command', command: command.items().map((each) => each.text()) }
  }
  const key = node.need('key')
  const variable = key.text().slice('${env.'.length, -1)
  return { kind: 'env', key: new Secret(variable, setting(key)) }
}

const text = (node: PlanNode | undefined): string | undefined => node?.text()

/** What a target or destination would be lost together with. */
export function domainsOf(node: PlanNode): FailureDomains {
  return {
    ...optional('node', text(node.get('node'))),
    ...optional('disk', text(node.get('disk'))),
    ...optional('region', text(node.get('region'))),
    ...optional('account', text(node.get('account'))),
    ...optional('vendor', text(node.get('vendor'))),
  }
}
