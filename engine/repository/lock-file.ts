/**
 * A lock of a repository: `locks/<kind>-<holder>-<renewal>.json`, a document that says who uses it, for what.
 *
 * | kind | who | goes together with |
 * | --- | --- | --- |
 * | shared | backup, copy, restore, verify: what they found must stay | shared, retention |
 * | retention | forget: takes snapshots away, no objects | shared |
 * | exclusive | prune, and what changes the keys: nobody may rest on what goes | nothing |
 *
 * A lock is written once and never changed: it is renewed by a further one with the next number, and the old
 * one goes. So a name stands for one moment of one holder, whoever removes it removes nothing newer, and a
 * holder whose newest lock is still there has never lost it. Only where an account may not delete is a lock
 * overwritten, by one that says `released`; that one holds nothing.
 */
import { hostname } from 'node:os'
import { limits } from '../base/limits.ts'
import { hostBoot, ownStart } from '../base/process-start.ts'
import { type DocumentKind, encodeDocument } from '../format/document.ts'
import { Fields } from '../format/fields.ts'
import { instantPattern } from './instant.ts'
import { damaged, readDocument, withRepositoryHint } from './read-document.ts'

export const lockKinds = ['shared', 'retention', 'exclusive'] as const
export type LockKind = (typeof lockKinds)[number]

/** A process, as far as it can be told from another one, also on another host and after a reboot. */
export interface LockOwner {
  readonly host: string
  readonly pid: number
  /** When it started, in the clock ticks of its host; null where that is not known. */
  readonly startedAt: string | null
  /** Which start of the host it belongs to; null where that is not known. */
  readonly boot: string | null
}

export interface LockName {
  readonly kind: LockKind
  /** Random: 32 hex digits. */
  readonly holder: string
  readonly renewal: number
}

export interface LockFile extends LockName {
  /** Goes on after "by": `backup of products`. */
  readonly purpose: string
  readonly owner: LockOwner
  /** ISO 8601. */
  readonly since: string
  readonly renewedAt: string
  readonly released: boolean
}

const folder = 'locks'
const document: DocumentKind = { format: 'vectra-repository-lock', version: 1 }

/** Prefix of all locks. */
export const lockPrefix = `${folder}/`

/** Where a lock stands in the repository. */
export const lockKey = ({ kind, holder, renewal }: LockName): string =>
  `${folder}/${kind}-${holder}-${renewal}.json`

/** Which lock a key means; undefined when it is not the key of one. */
export function parseLockKey(key: string): LockName | undefined {
  const match = /^locks\/([a-z]+)-([0-9a-f]{32})-(0|[1-9][0-9]{0,14})\.json$/.exec(key)
  const kind = lockKinds.find((each) => each === match?.[1])
  const holder = match?.[2]
  if (kind === undefined || holder === undefined) return undefined
  return { kind, holder, renewal: Number(match?.[3]) }
}

export const encodeLock = (lock: LockFile): Buffer => encodeDocument(document, lock)

/** @throws `damaged`, `newer-format` */
export function decodeLock(bytes: Uint8Array, name: LockName, place: string): LockFile {
  const bounds = { bytes: limits.repositoryLockBytes, values: 100 }
  const lock = withRepositoryHint(() => {
    const fields = new Fields(readDocument(document, bytes, place, bounds), place)
    const owner = fields.object('owner')
    return {
      kind: fields.oneOf('kind', lockKinds),
      holder: fields.text('holder'),
      renewal: fields.integer('renewal'),
      purpose: fields.text('purpose'),
      owner: {
        host: owner.text('host'),
        pid: owner.integer('pid', 1),
        startedAt: owner.has('startedAt') ? owner.text('startedAt') : null,
        boot: owner.has('boot') ? owner.text('boot') : null,
      },
      since: fields.text('since', instantPattern),
      renewedAt: fields.text('renewedAt', instantPattern),
      released: fields.boolean('released'),
    }
  })
  if (lockKey(lock) !== lockKey(name)) damaged(place, `it is the lock ${lockKey(lock)}`)
  return lock
}

/** Whether holders of the two kinds keep each other out. */
export const conflicts = (a: LockKind, b: LockKind): boolean =>
  a === 'exclusive' || b === 'exclusive' || (a === 'retention' && b === 'retention')

/** This process. */
export async function thisOwner(): Promise<LockOwner> {
  return {
    host: hostname(),
    pid: process.pid,
    startedAt: (await ownStart()) ?? null,
    boot: (await hostBoot()) ?? null,
  }
}
