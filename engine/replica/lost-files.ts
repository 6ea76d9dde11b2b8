/**
 * The files of lost records that a node has written (lost-records.ts), in `lost` of its data directory: which of
 * them are of a collection, and whether they were replayed. `<file>.replayed` beside one says so; it holds nothing.
 */
import * as path from 'node:path'
import { isJsonObject } from '../base/canonical-json.ts'
import { type Disk, replaceFile } from '../base/disk.ts'
import { fail, isOperatingError } from '../base/errors.ts'
import { KiB, limits } from '../base/limits.ts'
import type { Collection } from '../collection/collection.ts'
import { isSameEpoch } from '../collection/replica-file.ts'
import { Fields } from '../format/fields.ts'
import { readEpoch } from '../format/manifest.ts'
import { lostRecordsFormat } from './lost-records.ts'

export interface LostFile {
  /** Its name in the directory. */
  readonly file: string
  /** Where it is on its machine. */
  readonly path: string
  readonly firstLsn: number
  readonly lastLsn: number
  /** Whether the last promotion left these records behind: the epoch that they are of is the one before this. */
  readonly isOfLastPromotion: boolean
  readonly isReplayed: boolean
}

export const lostFileBytes = limits.wholeAnswerBytes
const headerBytes = 64 * KiB
const markOf = (file: string): string => `${file}.replayed`

/** Those of the collection, by name. What cannot be read is left out. */
export async function listLostFiles(
  disk: Disk,
  directory: string,
  { uuid, replication }: Collection,
): Promise<readonly LostFile[]> {
  if ((await disk.stat(directory)) === undefined) return []
  const names = await disk.list(directory)
  const last = replication.state.lineage.at(-1)
  const found: LostFile[] = []
  for (const name of names.filter((each) => each.endsWith('.jsonl')).sort()) {
    const place = path.join(directory, name)
    const header = await readHeader(disk, place)
    if (header === undefined || header.text('uuid') !== uuid) continue
    found.push({
      file: name,
      path: place,
      firstLsn: header.integer('firstLsn'),
      lastLsn: header.integer('lastLsn'),
      isOfLastPromotion:
        last !== undefined && isSameEpoch(last.epoch, readEpoch(header.object('epoch'))),
      isReplayed: names.includes(markOf(name)),
    })
  }
  return found
}

/** One of those that {@link listLostFiles} names, whole. @throws `file-not-found` */
export async function readLostFile(
  disk: Disk,
  directory: string,
  collection: Collection,
  file: string,
): Promise<Buffer> {
  const known = await find(disk, directory, collection, file)
  return disk.readFile(known.path, lostFileBytes)
}

/** Says of one of them that it was replayed, durably. @throws `file-not-found` */
export async function markReplayed(
  disk: Disk,
  directory: string,
  collection: Collection,
  file: string,
): Promise<void> {
  await markFileReplayed(disk, (await find(disk, directory, collection, file)).path)
}

/** The same of a file wherever it is. */
export const markFileReplayed = (disk: Disk, place: string): Promise<void> =>
  replaceFile(disk, markOf(place), Buffer.alloc(0))

async function find(
  disk: Disk,
  directory: string,
  collection: Collection,
  file: string,
): Promise<LostFile> {
  const files = await listLostFiles(disk, directory, collection)
  return (
    files.find((each) => each.file === file) ??
    fail(
      'file-not-found',
      `there is no file ${JSON.stringify(file)} of lost records of ${collection.name} here`,
      'What there is: GET /vectra/v1/collections/NAME/lost-records.',
    )
  )
}

async function readHeader(disk: Disk, place: string): Promise<Fields | undefined> {
  try {
    const handle = await disk.open(place, 'read')
    try {
      const bytes = Buffer.alloc(headerBytes)
      const length = await handle.read(bytes, 0)
      const text = bytes.toString('utf8', 0, length)
      const header: unknown = JSON.parse(text.slice(0, Math.max(0, text.indexOf('\n'))))
      const isOurs = isJsonObject(header) && header['format'] === lostRecordsFormat
      return isOurs ? new Fields(header, place) : undefined
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (isOperatingError(error) || error instanceof SyntaxError) return undefined
    throw error
  }
}
