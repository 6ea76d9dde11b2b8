/**
 * A repository as a client names it to the server: the place, and the secrets that open it. The secrets of
 * object stores are none of these: the server has its own.
 */
import { isAbsolute } from 'node:path'
import type { RepositoryLocation } from '../backup/sources.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { Throttle } from '../destination/throttle.ts'
import type { Fields } from '../format/fields.ts'
import { RepositoryKey } from '../repository/repository-key.ts'
import { toSigner } from '../repository/signing.ts'
import type { Schema, Served } from './route.ts'

/** The JSON of it. */
export interface WireLocation {
  /** A URL, or a path of the server's machine. */
  readonly location: string
  /** Texts of keys that may open it. */
  readonly keys?: readonly string[]
  /** Public keys (base64) of which one must have signed what is read. */
  readonly trust?: readonly string[]
  /** PEM of the key that signs what is written. */
  readonly signKey?: string
  /** Bytes a second, in the mean. */
  readonly bandwidth?: number
  readonly lock?: { readonly mode: 'governance' | 'compliance'; readonly forMs: number }
}

const text: Schema = { type: 'string' }

export const wireLocation: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['location'],
  properties: {
    location: { ...text, description: 'a URL, or an absolute path on the machine of the server' },
    keys: { type: 'array', items: text },
    trust: { type: 'array', items: text },
    signKey: text,
    bandwidth: { type: 'integer', minimum: 1 },
    lock: {
      type: 'object',
      additionalProperties: false,
      required: ['mode', 'forMs'],
      properties: {
        mode: { enum: ['governance', 'compliance'] },
        forMs: { type: 'integer', minimum: 1_000, maximum: limits.lockMs },
      },
    },
  },
}

/** @throws `usage` for a relative path */
export function checkLocation({ location }: WireLocation): void {
  if (location.includes('://') || isAbsolute(location)) return
  fail(
    'usage',
    `${location} is a relative path, which the server knows no beginning of`,
    'Give an absolute path on the machine of the server, or a URL.',
  )
}

/** A repository to read, as another node sent it. @throws `usage`, `key-refused`, `damaged` */
export function readLocation(
  fields: Fields,
  world: Pick<Served, 'clock' | 'timer'>,
): RepositoryLocation {
  const wire: WireLocation = {
    location: fields.text('location'),
    ...(fields.has('keys') && { keys: fields.texts('keys', limits.repositoryKeys, /./s) }),
    ...(fields.has('trust') && { trust: fields.texts('trust', limits.repositoryKeys, /./) }),
    ...(fields.has('bandwidth') && { bandwidth: fields.integer('bandwidth', 1) }),
  }
  checkLocation(wire)
  return toLocation(wire, world, new AbortController().signal)
}

/** What the engine opens. @throws `key-refused` */
export function toLocation(
  { location, keys = [], trust, signKey, bandwidth, lock }: WireLocation,
  { clock, timer }: Pick<Served, 'clock' | 'timer'>,
  signal: AbortSignal,
): RepositoryLocation {
  return {
    location,
    keys: keys.map((each) => new RepositoryKey(each)),
    ...(trust && trust.length > 0 && { trust: { publicKeys: trust } }),
    ...(signKey !== undefined && { signer: toSigner(signKey, 'the key that signs') }),
    ...(bandwidth !== undefined && { throttle: new Throttle(bandwidth, { clock, timer, signal }) }),
    ...(lock && { lockPolicy: lock }),
  }
}
