/**
 * The archived log of a repository: `wal/<collection uuid>/<epoch>/<first LSN>-<last LSN>.wal`.
 *
 * LSNs have 16 digits, so that names sort as the records do. A file is written once, and durable before
 * the next one of its history is written: a crash leaves a shorter archive, never one with a hole. A
 * listing finds candidates; whether a file is there and sound is decided by asking for it.
 */
import { isOperatingError, OperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { patterns } from '../format/fields.ts'
import { type Epoch, epochName, type Identity } from '../format/identity.ts'
import {
  ARCHIVE_TAIL_BYTES,
  ARCHIVE_TRAILER_BYTES,
  type ArchiveFile,
  type ArchiveName,
  type ArchiveTail,
  type ArchiveTrailer,
  damagedArchive,
  decodeArchive,
  decodeTail,
} from './archive-file.ts'
import type { Repository } from './repository.ts'
import { checkSignature, refuseUntrusted } from './signing.ts'

const folder = 'wal'

/** What a listing found below `wal/`. */
export interface ArchiveNames {
  /** By collection, epoch and LSN. */
  readonly files: readonly ArchiveName[]
  /** Keys that no archived file can have: the product did not write them. */
  readonly strangers: readonly string[]
}

const lsnText = (lsn: number): string => String(lsn).padStart(16, '0')

/** Where a file stands in the repository. */
export const archiveKey = ({ identity, firstLsn, lastLsn }: ArchiveName): string =>
  `${folder}/${identity.uuid}/${epochName(identity.epoch)}/${lsnText(firstLsn)}-${lsnText(lastLsn)}.wal`

/** Which file a key means; undefined when it is not the key of one. */
export function parseArchiveKey(key: string): ArchiveName | undefined {
  const match = /^wal\/([^/]+)\/([0-9]{6,10})-([0-9a-f]{16})\/([0-9]{16})-([0-9]{16})\.wal$/.exec(
    key,
  )
  const [, uuid = '', number, history = '', first, last] = match ?? []
  if (match === null || !patterns.uuid.test(uuid)) return undefined
  const epoch: Epoch = { number: Number(number), history }
  const name = { identity: { uuid, epoch }, firstLsn: Number(first), lastLsn: Number(last) }
  const isRange = name.firstLsn >= 1 && name.firstLsn <= name.lastLsn
  if (!isRange || !Number.isSafeInteger(name.lastLsn)) return undefined
  return archiveKey(name) === key ? name : undefined
}

/** The files that a listing shows: all, those of a collection, or those of one of its histories. */
export async function listArchive(
  { destination }: Repository,
  of: { readonly uuid?: string; readonly epoch?: Epoch } = {},
): Promise<ArchiveNames> {
  const { uuid, epoch } = of
  const below = uuid === undefined ? '' : epoch ? `${uuid}/${epochName(epoch)}/` : `${uuid}/`
  const files: ArchiveName[] = []
  const strangers: string[] = []
  for await (const { key } of destination.list(`${folder}/${below}`)) {
    const name = parseArchiveKey(key)
    if (name === undefined) strangers.push(key)
    else files.push(name)
  }
  return { files, strangers }
}

/**
 * The trailer of an archived file, or undefined when there is no such file. Its records are not read.
 * @throws `damaged`, `newer-format`, `unsafe-entry`, `signature-refused`
 */
export async function readTrailer(
  repository: Repository,
  name: ArchiveName,
): Promise<ArchiveTrailer | undefined> {
  const key = archiveKey(name)
  const place = repository.destination.locate(key)
  const read = await located(place, name, () => repository.readTail(key, ARCHIVE_TAIL_BYTES))
  if (read === undefined) return undefined
  const { bytes: tail, sizeBytes } = read
  if (tail.length < ARCHIVE_TRAILER_BYTES) {
    damagedArchive(place, 0, name.firstLsn, `it is ${sizeBytes} bytes`)
  }
  return checked(repository, decodeTail(tail, name, place, sizeBytes), place).trailer
}

/**
 * A whole archived file and its plain bytes, proven; undefined when there is no such file.
 * @throws `damaged` naming file, offset and LSN; `newer-format`, `unsafe-entry`, `signature-refused`
 */
export async function readArchive(
  repository: Repository,
  name: ArchiveName,
): Promise<(ArchiveFile & { readonly bytes: Buffer; readonly sizeBytes: number }) | undefined> {
  const key = archiveKey(name)
  const place = repository.destination.locate(key)
  const bytes = await located(place, name, () =>
    repository.readValue(key, limits.archiveReadBytes, ARCHIVE_TAIL_BYTES),
  )
  if (bytes === undefined) return undefined
  return {
    ...checked(repository, decodeArchive(bytes, name, place), place),
    bytes,
    sizeBytes: bytes.length,
  }
}

/**
 * Refuses what was changed after it was signed, and what is not signed as the reader asks for.
 * @throws `damaged`, `signature-refused`
 */
function checked<T extends ArchiveTail>({ trust }: Repository, read: T, place: string): T {
  const { signedBytes, signature, trailer } = read
  const found = checkSignature('archive', signedBytes, signature, trust)
  refuseUntrusted(found, trust, place)
  if (found.status === 'wrong') {
    damagedArchive(place, 0, trailer.firstLsn, 'its signature is not of what it holds')
  }
  return read
}

/**
 * Stores a file durably. One of that name is kept when it leads to the same record, and replaced when it
 * is damaged.
 * @throws `divergence` when the same LSNs stand there with other records
 */
export async function putArchive(
  repository: Repository,
  name: ArchiveName,
  bytes: Uint8Array,
  chain: number,
): Promise<'written' | 'present' | 'replaced'> {
  const { destination } = repository
  const key = archiveKey(name)
  let outcome: 'written' | 'present' | 'replaced' = 'written'
  const tailBytes = ARCHIVE_TAIL_BYTES
  if (!(await repository.writeValue(key, bytes, { ifAbsent: true, tailBytes }))) {
    const standing = await readArchive(repository, name).catch((error: unknown) => {
      if (!isOperatingError(error, 'damaged')) throw error
    })
    outcome = standing === undefined ? 'replaced' : 'present'
    if (standing !== undefined && standing.trailer.chain !== chain) {
      diverges(destination.locate(key), name.lastLsn)
    }
    if (standing === undefined) await repository.writeValue(key, bytes, { tailBytes })
  }
  await destination.flush()
  return outcome
}

/** @throws `divergence`, always: two different records of one history carry this LSN */
export function diverges(file: string, lsn: number): never {
  throw divergence(file, lsn)
}

/** Two different records of one history carry this LSN. */
export const divergence = (file: string, lsn: number): OperatingError =>
  new OperatingError(
    'divergence',
    `${file} and what it is held against have different records up to LSN ${lsn} of one history`,
    'Two copies of one collection were written to, or one was put back from an older copy of its directory. ' +
      'Find out which is the right one; take a snapshot of it under a new name or restore it, which begins a history of its own.',
    { place: { file, lsn } },
  )

/** What reading says of a damaged file, with where it begins. */
async function located<T>(
  file: string,
  { firstLsn }: ArchiveName,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (!isOperatingError(error, 'damaged')) throw error
    throw new OperatingError('damaged', error.message, error.hint, {
      place: { file, offset: 0, lsn: firstLsn },
    })
  }
}

/** Whether two identities are one history of one collection. */
export const isSameHistory = (a: Identity, b: Identity): boolean =>
  a.uuid === b.uuid && a.epoch.history === b.epoch.history && a.epoch.number === b.epoch.number
