/**
 * What was verified, when, how deep and with what outcome: `verified/<collection>/<id>/<time>.json`, one
 * document a verification of a snapshot, at the destination that was verified. So it can be told of a copy
 * when it was last proven, without reading it. A record says what was found then, never what is there now.
 *
 * `<time>` is the end of the verification, in digits that sort as time does. Prune keeps the newest record of
 * each depth and outcome; older ones say nothing that counts.
 */
import { isOperatingError } from '../base/errors.ts'
import { inFlight } from '../base/in-flight.ts'
import { limits } from '../base/limits.ts'
import { nameProblem } from '../base/name.ts'
import { type DocumentKind, encodeDocument } from '../format/document.ts'
import { Fields, patterns } from '../format/fields.ts'
import { instantPattern } from './instant.ts'
import { readDocument, withRepositoryHint } from './read-document.ts'
import type { Repository } from './repository.ts'

/** `copy`: hashed at the far end while it was copied; proves as much as `objects`. */
export const verificationDepths = ['manifest', 'objects', 'content', 'copy'] as const
export type VerificationDepth = (typeof verificationDepths)[number]

export interface Verification {
  readonly collection: string
  readonly snapshotId: string
  /** SHA-256 of the manifest that was verified: another one under this id is another snapshot. */
  readonly manifestSha256: string
  readonly depth: VerificationDepth
  readonly ok: boolean
  /** The first of what was found wrong; null when nothing was. */
  readonly problem: string | null
  /** Share of the snapshot's bytes that were read and hashed, 0 to 1. */
  readonly readShare: number
  /** ISO 8601: when it ended. */
  readonly verifiedAt: string
  /** Host that did it. */
  readonly host: string
}

const folder = 'verified'
const kind: DocumentKind = { format: 'vectra-verification', version: 1 }
const problemLength = 1_000

const keyOf = ({ collection, snapshotId, verifiedAt }: Verification): string =>
  `${folder}/${collection}/${snapshotId}/${verifiedAt.replace(/[^0-9]/g, '')}.json`

export interface VerificationName {
  readonly key: string
  readonly collection: string
  readonly snapshotId: string
}

function parseKey(key: string): VerificationName | undefined {
  const [, collection, snapshotId] = /^verified\/([^/]+)\/([^/]+)\/[0-9]{17}\.json$/.exec(key) ?? []
  if (collection === undefined || snapshotId === undefined) return undefined
  if (nameProblem(collection) !== undefined || nameProblem(snapshotId) !== undefined) {
    return undefined
  }
  return { key, collection, snapshotId }
}

/** Stores a record. Durable after a flush. Its names must be checked names. */
export async function writeVerification(
  repository: Repository,
  verification: Verification,
): Promise<void> {
  const problem = verification.problem?.slice(0, problemLength) ?? null
  const bytes = encodeDocument(kind, { ...verification, problem })
  await repository.writeValue(keyOf(verification), bytes)
}

/** Names of all records that a listing shows, of all collections, of one, or of one snapshot. */
export async function listVerifications(
  { destination }: Repository,
  collection?: string,
  snapshotId?: string,
): Promise<readonly VerificationName[]> {
  const below = [collection, snapshotId].filter((each) => each !== undefined)
  const names: VerificationName[] = []
  for await (const { key } of destination.list(`${[folder, ...below].join('/')}/`)) {
    const name = parseKey(key)
    if (name !== undefined) names.push(name)
  }
  return names
}

export interface StoredVerification {
  readonly key: string
  readonly verification: Verification
}

/**
 * The records of some names, oldest first. One that cannot be read, or that is gone, is passed over: a
 * record that is not there proves nothing.
 */
export async function readVerifications(
  repository: Repository,
  names: readonly VerificationName[],
  signal?: AbortSignal,
): Promise<readonly StoredVerification[]> {
  const found: StoredVerification[] = []
  await inFlight(names, limits.requestsInFlight, signal, async ({ key }) => {
    try {
      const bytes = await repository.readValue(key, limits.snapshotRecordBytes)
      if (bytes === undefined) return
      const verification = decode(bytes, repository.destination.locate(key))
      if (keyOf(verification) === key) found.push({ key, verification })
    } catch (error) {
      if (!isOperatingError(error) || error.code === 'unreachable') throw error
    }
  })
  return found.sort((a, b) => (a.verification.verifiedAt < b.verification.verifiedAt ? -1 : 1))
}

const depthRank = { manifest: 0, copy: 1, objects: 1, content: 2 } as const

/**
 * The failure that stands, of the records of one manifest, oldest first; undefined when none does. A failure
 * is revoked by a later pass that looked at least as deep, and at everything.
 */
export function standingFailure(records: readonly Verification[]): Verification | undefined {
  return records.findLast((failure, index) => {
    if (failure.ok) return false
    const later = records.slice(index + 1)
    return !later.some(
      ({ ok, depth, readShare }) =>
        ok &&
        depthRank[depth] >= depthRank[failure.depth] &&
        (failure.depth === 'manifest' || readShare === 1),
    )
  })
}

function decode(bytes: Uint8Array, place: string): Verification {
  const bounds = { bytes: limits.snapshotRecordBytes, values: 100 }
  return withRepositoryHint(() => {
    const fields = new Fields(readDocument(kind, bytes, place, bounds), place)
    return {
      collection: fields.text('collection'),
      snapshotId: fields.text('snapshotId'),
      manifestSha256: fields.text('manifestSha256', patterns.sha256),
      depth: fields.oneOf('depth', verificationDepths),
      ok: fields.boolean('ok'),
      problem: fields.has('problem') ? fields.text('problem') : null,
      readShare: fields.number('readShare'),
      verifiedAt: fields.text('verifiedAt', instantPattern),
      host: fields.text('host'),
    }
  })
}
