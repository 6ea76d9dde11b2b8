/**
 * What opens the destinations of a plan: their keys, and whose signatures count. Steps and records name a
 * destination by its URL alone; keys are read when one is first opened, and are in no record.
 */
import {
  type Disk,
  type KeySource,
  KiB,
  type RepositoryLocation,
  systemClock,
  systemTimer,
  type WireLocation,
} from '../../engine/index.ts'
import { readKey, readSigner, Throttle } from '../../engine/operations.ts'
import type { Destination, Plan } from '../plan/plan.ts'

/** From a destination's URL to what the engine opens. @throws `key-refused` */
export type Locate = (url: string, signal?: AbortSignal) => Promise<RepositoryLocation>

/** Nothing is known of a URL but the URL. */
export const plainLocation: Locate = async (url) => ({ location: url })

/** The destinations of a plan. A key is read once; one that could not be read is asked for again. */
export function planLocations(plan: Plan, disk: Disk): Locate {
  const byUrl = new Map([...plan.destinations.values()].map((each) => [each.url, each]))
  const opened = new Map<string, Promise<RepositoryLocation>>()
  return (url, signal) => {
    const destination = byUrl.get(url)
    if (destination === undefined) return plainLocation(url)
    const location = opened.get(url) ?? openLocation(destination, disk, signal)
    opened.set(url, location)
    location.catch(() => opened.delete(url))
    return location
  }
}

async function openLocation(
  { url, encryption, signing, objectLock, bandwidthBytes }: Destination,
  disk: Disk,
  signal: AbortSignal | undefined,
): Promise<RepositoryLocation> {
  const source = encryption && toSource(encryption)
  return {
    location: url,
    ...(objectLock && { lockPolicy: objectLock }),
    ...(bandwidthBytes !== undefined && {
      throttle: new Throttle(bandwidthBytes, { clock: systemClock, timer: systemTimer }),
    }),
    ...(source && { keys: [await readKey(source, disk, signal)] }),
    ...(signing?.keyFile !== undefined && { signer: await readSigner(signing.keyFile, disk) }),
    ...(signing?.trust && { trust: { publicKeys: signing.trust } }),
  }
}

const toSource = (encryption: NonNullable<Destination['encryption']>): KeySource =>
  encryption.kind === 'env'
    ? { kind: 'text', text: encryption.key.reveal(), from: encryption.key.name }
    : encryption

/** From a destination's URL to what a server opens. @throws `key-refused` */
export type LocateThere = (url: string, signal?: AbortSignal) => Promise<WireLocation>

/** The destinations of a plan for a server: keys are read here and sent with each request that needs them. */
export function planLocationsThere(plan: Plan, disk: Disk): LocateThere {
  const byUrl = new Map([...plan.destinations.values()].map((each) => [each.url, each]))
  return async (url, signal) => {
    const { encryption, signing, objectLock, bandwidthBytes } = byUrl.get(url) ?? {}
    const source = encryption && toSource(encryption)
    return {
      location: url,
      ...(source && { keys: [(await readKey(source, disk, signal)).reveal()] }),
      ...(signing?.trust && { trust: signing.trust }),
      ...(signing?.keyFile !== undefined && {
        signKey: (await disk.readFile(signing.keyFile, keyFileBytes)).toString('utf8'),
      }),
      ...(bandwidthBytes !== undefined && { bandwidth: bandwidthBytes }),
      ...(objectLock && { lock: objectLock }),
    }
  }
}

const keyFileBytes = 16 * KiB
