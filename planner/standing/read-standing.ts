/**
 * Reading how things stand without parsing a ledger of a year each time.
 *
 * `<ledger>.<plan>.standing` remembers a {@link Standing} and which bytes of the ledger it was made
 * from: how many, and their SHA-256. It is a cache and believed no further than that:
 *
 * - the bytes it names are hashed again at every reading. Where one of them has changed, or the file is
 *   missing, damaged or of another version, the whole ledger is read and proven;
 * - what stands behind those bytes is proven line by line, and held against the head, as always;
 * - only a ledger without any problem leaves one. So a standing that fits says: these very bytes were
 *   once proven whole, and this is what they said.
 *
 * Who can write it could as well write the ledger and its head; nothing that is handed to others rests on
 * it. `ledger verify`, `audit` and `resume` read and prove every line.
 */
import { createHash } from 'node:crypto'
import {
  type Disk,
  isJsonObject,
  isOperatingError,
  KiB,
  MiB,
  version as product,
  replaceFile,
  sha256Hex,
} from '../../engine/index.ts'
import { readWaiting, toEntry } from '../ledger/hour-journal.ts'
import { type LineBefore, startOfLedger } from '../ledger/ledger-line.ts'
import { type LedgerProof, type ProvenStart, walkLines } from '../ledger/ledger-reader.ts'
import { unfold } from '../ledger/sum.ts'
import { type KnownStanding, Standing } from './standing.ts'

const version = 2
const maxFileBytes = 64 * MiB
/** A smaller ledger is read as quickly without. */
const smallBytes = 1 * MiB
const chunkBytes = 4 * MiB

export interface StandingReading extends LedgerProof {
  readonly standing: Standing
}

/** Where it is remembered. */
export const standingFile = (ledger: string, plan: string): string => `${ledger}.${plan}.standing`

/**
 * How things stand with the plan named `plan`, as far as the ledger can be proven, and what waits for it.
 * @throws `newer-format`, `disk-error`
 */
export async function readStanding(
  disk: Disk,
  ledger: string,
  plan: string,
): Promise<StandingReading> {
  const memory = await recall(disk, ledger, plan)
  const start: ProvenStart = memory ?? { last: startOfLedger, offset: 0 }
  const hash = new LineHash(memory?.hash ?? createHash('sha256'))
  const standing = memory?.standing ?? new Standing(plan)
  const proof = await walkLines(
    disk,
    ledger,
    (line, _, bytes) => {
      hash.add(bytes)
      for (const entry of unfold(line)) standing.read(entry)
    },
    start,
  )
  const isFresh = memory === undefined || proof.lastOffset - memory.offset > smallBytes
  if (proof.problem === undefined && proof.lastOffset > smallBytes && isFresh) {
    await remember(disk, ledger, standing, proof, hash.hex())
  }
  for (const waiting of await readWaiting(disk, ledger, plan)) standing.read(toEntry(waiting))
  return { ...proof, standing }
}

const gatheredBytes = 256 * KiB
const lineFeed = 0x0a

/** A hash of lines, which are gathered: for a short one the call costs more than its bytes. */
class LineHash {
  readonly #hash: ReturnType<typeof createHash>
  readonly #gathered = Buffer.allocUnsafe(gatheredBytes)
  #length = 0

  constructor(hash: ReturnType<typeof createHash>) {
    this.#hash = hash
  }

  /** @param line without its line feed, which is hashed with it */
  add(line: Uint8Array): void {
    if (this.#length + line.length >= gatheredBytes) this.#flush()
    if (line.length >= gatheredBytes) {
      this.#hash.update(line).update('\n')
      return
    }
    this.#gathered.set(line, this.#length)
    this.#gathered[this.#length + line.length] = lineFeed
    this.#length += line.length + 1
  }

  /** Once, at the end. */
  hex(): string {
    this.#flush()
    return this.#hash.digest('hex')
  }

  #flush(): void {
    this.#hash.update(this.#gathered.subarray(0, this.#length))
    this.#length = 0
  }
}

interface Memory extends ProvenStart {
  readonly standing: Standing
  /** Has read the bytes that were proven. */
  readonly hash: ReturnType<typeof createHash>
}

/** What was remembered, where the ledger still begins with what it was made from. */
async function recall(disk: Disk, ledger: string, plan: string): Promise<Memory | undefined> {
  const file = await readRemembered(disk, standingFile(ledger, plan))
  if (file === undefined || file.plan !== plan) return undefined
  const hash = createHash('sha256')
  if (!(await hashStart(disk, ledger, file.offset, hash))) return undefined
  if (hash.copy().digest('hex') !== file.sha256) return undefined
  const { last, offset, known } = file
  return { last, offset, hash, standing: new Standing(plan, known) }
}

/** @returns false when the ledger is shorter */
async function hashStart(
  disk: Disk,
  ledger: string,
  bytes: number,
  hash: ReturnType<typeof createHash>,
): Promise<boolean> {
  try {
    const handle = await disk.open(ledger, 'read')
    try {
      const chunk = Buffer.alloc(chunkBytes)
      for (let position = 0; position < bytes; ) {
        const wanted = chunk.subarray(0, Math.min(chunk.length, bytes - position))
        const read = await handle.read(wanted, position)
        if (read === 0) return false
        hash.update(wanted.subarray(0, read))
        position += read
      }
      return true
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (isOperatingError(error, 'file-not-found')) return false
    throw error
  }
}

interface Remembered {
  readonly plan: string
  readonly last: LineBefore
  readonly offset: number
  /** Of the first `offset` bytes of the ledger. */
  readonly sha256: string
  readonly known: KnownStanding
}

/** Its first line is the SHA-256 of the rest, so that half of one is none. */
async function readRemembered(disk: Disk, file: string): Promise<Remembered | undefined> {
  try {
    const bytes = await disk.readFile(file, maxFileBytes)
    const body = bytes.subarray(65)
    if (bytes.subarray(0, 64).toString('latin1') !== sha256Hex(body)) return undefined
    const value: unknown = JSON.parse(body.toString('utf8'))
    if (!isJsonObject(value) || value['standing'] !== version) return undefined
    if (value['product'] !== product) return undefined // another release may remember other things
    // its hash fits, so `remember` of this version wrote it
    return value as unknown as Remembered
  } catch {
    return undefined // a cache that cannot be read is none
  }
}

/** A standing that cannot be remembered costs time at the next reading, nothing else. */
async function remember(
  disk: Disk,
  ledger: string,
  standing: Standing,
  { last, lastOffset: offset }: LedgerProof,
  sha256: string,
): Promise<void> {
  const { plan } = standing
  const known = standing.known()
  const body = Buffer.from(
    `${JSON.stringify({ standing: version, product, plan, last, offset, sha256, known })}\n`,
  )
  if (body.length > maxFileBytes) return
  const bytes = Buffer.concat([Buffer.from(`${sha256Hex(body)}\n`), body])
  await replaceFile(disk, standingFile(ledger, plan), bytes).catch(() => {})
}
