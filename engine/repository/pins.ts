/**
 * Pins: snapshots that retention rules never remove. `pins/<collection>/<id>.json`, a document beside the
 * manifest, which is never rewritten. Whoever pins and whoever removes snapshots must not do it at once:
 * both hold the lock of the kind `retention`.
 */
import { isOperatingError, type OperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { nameProblem } from '../base/name.ts'
import { type DocumentKind, encodeDocument } from '../format/document.ts'
import { Fields } from '../format/fields.ts'
import { instantPattern } from './instant.ts'
import { damaged, readDocument, withRepositoryHint } from './read-document.ts'
import type { Repository } from './repository.ts'

export interface Pin {
  readonly collection: string
  readonly snapshotId: string
  /** Why, as somebody wrote it; null when nobody did. */
  readonly reason: string | null
  /** ISO 8601. */
  readonly pinnedAt: string
}

/** A pin that stands; one that cannot be read protects as well. */
export interface StoredPin {
  readonly collection: string
  readonly snapshotId: string
  readonly pin: Pin | undefined
  readonly error: OperatingError | undefined
}

const folder = 'pins'
const kind: DocumentKind = { format: 'vectra-pin', version: 1 }

const pinKey = (collection: string, snapshotId: string): string =>
  `${folder}/${collection}/${snapshotId}.json`

function parsePinKey(key: string): { collection: string; snapshotId: string } | undefined {
  const [, collection, snapshotId] = /^pins\/([^/]+)\/([^/]+)\.json$/.exec(key) ?? []
  if (collection === undefined || snapshotId === undefined) return undefined
  if (nameProblem(collection) !== undefined || nameProblem(snapshotId) !== undefined) {
    return undefined
  }
  return { collection, snapshotId }
}

/** Stores a pin, in place of one that stands. Durable when it resolves. Its names must be checked names. */
export async function writePin(repository: Repository, pin: Pin): Promise<void> {
  const key = pinKey(pin.collection, pin.snapshotId)
  await repository.writeValue(key, encodeDocument(kind, pin))
  await repository.destination.flush()
}

/** Takes a pin away. @returns whether there was one */
export async function removePin(
  repository: Repository,
  collection: string,
  snapshotId: string,
): Promise<boolean> {
  const key = pinKey(collection, snapshotId)
  const stands = (await repository.destination.head(key)) !== undefined
  await repository.destination.delete(key)
  await repository.destination.flush()
  return stands
}

/** The pin of one snapshot, asked for by its name; undefined when it has none. */
export async function readPin(
  repository: Repository,
  collection: string,
  snapshotId: string,
): Promise<StoredPin | undefined> {
  const key = pinKey(collection, snapshotId)
  try {
    const bytes = await repository.readValue(key, limits.snapshotRecordBytes)
    if (bytes === undefined) return undefined
    const pin = decodePin(bytes, repository.destination.locate(key))
    if (pin.collection !== collection || pin.snapshotId !== snapshotId) {
      damaged(repository.destination.locate(key), 'it is the pin of another snapshot')
    }
    return { collection, snapshotId, pin, error: undefined }
  } catch (error) {
    if (!isOperatingError(error) || error.code === 'unreachable') throw error
    return { collection, snapshotId, pin: undefined, error }
  }
}

/** All pins that a listing shows, of all collections or of one. */
export async function readPins(
  repository: Repository,
  collection?: string,
): Promise<readonly StoredPin[]> {
  const prefix = collection === undefined ? `${folder}/` : `${folder}/${collection}/`
  const pins: StoredPin[] = []
  for await (const { key } of repository.destination.list(prefix)) {
    const name = parsePinKey(key)
    const pin = name && (await readPin(repository, name.collection, name.snapshotId))
    if (pin !== undefined) pins.push(pin)
  }
  return pins
}

function decodePin(bytes: Uint8Array, place: string): Pin {
  const bounds = { bytes: limits.snapshotRecordBytes, values: 100 }
  return withRepositoryHint(() => {
    const fields = new Fields(readDocument(kind, bytes, place, bounds), place)
    return {
      collection: fields.text('collection'),
      snapshotId: fields.text('snapshotId'),
      reason: fields.has('reason') ? fields.text('reason') : null,
      pinnedAt: fields.text('pinnedAt', instantPattern),
    }
  })
}
