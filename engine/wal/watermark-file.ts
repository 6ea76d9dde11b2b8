/**
 * The watermark file: two slots (format: format/watermark.ts). One writer, the owner of the collection.
 *
 * A write never touches the slot that was last fsynced, so that no power cut takes back what was
 * committed, however it tears the other slot.
 */
import { type Disk, type DiskFile, replaceFile, writeNewFile } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import {
  decodeWatermark,
  encodeWatermark,
  WATERMARK_SLOT_BYTES,
  WATERMARK_STRIDE_BYTES,
  type Watermark,
  type WatermarkVersion,
  watermarkFileBytes,
} from '../format/watermark.ts'

export const watermarkName = 'watermark'

/** The bytes of a file whose two slots say the same. */
export function encodeWatermarkFile(first: Omit<Watermark, 'turn'>): Buffer {
  const bytes = Buffer.alloc(watermarkFileBytes(2))
  for (const turn of [0, 1]) {
    encodeWatermark({ ...first, turn }).copy(bytes, turn * WATERMARK_STRIDE_BYTES[2])
  }
  return bytes
}

/** Creates the file, durably; the caller syncs the directory. */
export const createWatermark = (
  disk: Disk,
  file: string,
  first: Omit<Watermark, 'turn'>,
  options: { readonly durable?: boolean } = {},
) => writeNewFile(disk, file, encodeWatermarkFile(first), options)

export class WatermarkFile {
  readonly #file: DiskFile
  #latest: Watermark
  /** The slot that a power cut leaves alone. */
  #durableSlot: number
  #turn: Promise<void> = Promise.resolve()

  private constructor(file: DiskFile, latest: Watermark) {
    this.#file = file
    this.#latest = latest
    this.#durableSlot = latest.turn % 2
  }

  /**
   * @param durable false where the file does not count yet
   * @param onWarning told when one of the two slots is not whole: the other one is used
   * @throws `missing-file`, `damaged`, `newer-format`
   */
  static async open(
    disk: Disk,
    path: string,
    onWarning: (text: string) => void,
    { durable = true }: { readonly durable?: boolean } = {},
  ): Promise<WatermarkFile> {
    if ((await disk.stat(path)) === undefined) {
      fail('missing-file', `${path} is missing`, 'Restore the collection from a backup.', {
        place: { file: path },
      })
    }
    const { latest, version } = await readSlots(disk, path, onWarning)
    if (version === 1) await replaceFile(disk, path, encodeWatermarkFile(latest))
    const file = await disk.open(path, 'append')
    try {
      if (durable) await file.dataSync() // a process that died may have left it to the page cache
      return new WatermarkFile(file, version === 1 ? { ...latest, turn: 1 } : latest)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  get latest(): Watermark {
    return this.#latest
  }

  /** The history is durable up to `lsn`. Not synced: a crash may leave an older mark, never a newer. */
  advance(lsn: number): Promise<void> {
    return this.#queue(async () => {
      if (lsn > this.#latest.lsn) await this.#write({ ...this.#latest, lsn })
    })
  }

  /** Manifest `sequence` is current. Durable when this resolves. */
  commit(sequence: number): Promise<void> {
    return this.#queue(async () => {
      await this.#write({ ...this.#latest, sequence })
      await this.#file.dataSync()
      this.#durableSlot = this.#latest.turn % 2
    })
  }

  async #write(mark: Watermark): Promise<void> {
    const { turn } = this.#latest
    const next = { ...mark, turn: turn % 2 === this.#durableSlot ? turn + 1 : turn + 2 }
    await this.#file.write(encodeWatermark(next), (next.turn % 2) * WATERMARK_STRIDE_BYTES[2])
    this.#latest = next
  }

  /** The log and the checkpoints both move the mark: one write after the other. */
  #queue(work: () => Promise<void>): Promise<void> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => {})
    return result
  }

  async close(): Promise<void> {
    await this.#turn
    await this.#file.close()
  }
}

async function readSlots(
  disk: Disk,
  path: string,
  onWarning: (text: string) => void,
): Promise<{ latest: Watermark; version: WatermarkVersion }> {
  const bytes = await readStart(disk, path)
  const version = ([1, 2] as const).find((each) => watermarkFileBytes(each) === bytes.length)
  if (version === undefined) {
    return damagedWatermark(path, `it does not have the ${watermarkFileBytes(2)} bytes of one`)
  }
  const slots = [0, 1].map((slot) => {
    const at = slot * WATERMARK_STRIDE_BYTES[version]
    return decodeWatermark(bytes.subarray(at, at + WATERMARK_SLOT_BYTES), path, version)
  })
  const whole = slots.filter((slot, index) => slot !== undefined && slot.turn % 2 === index)
  const latest = whole.reduce<Watermark | undefined>(
    (best, slot) => (best === undefined || (slot && slot.turn > best.turn) ? slot : best),
    undefined,
  )
  if (latest === undefined) return damagedWatermark(path, 'neither slot is whole')
  if (whole.length < 2) onWarning(`${path}: one of two slots is damaged; the other one is used`)
  return { latest, version }
}

/** The file as far as it could be one, and a byte more where it is longer. */
async function readStart(disk: Disk, path: string): Promise<Buffer> {
  const file = await disk.open(path, 'read')
  try {
    const bytes = Buffer.alloc(watermarkFileBytes(2) + 1)
    return bytes.subarray(0, await file.read(bytes, 0))
  } finally {
    await file.close()
  }
}

function damagedWatermark(file: string, reason: string): never {
  fail('damaged', `${file} is damaged: ${reason}`, 'Restore the collection from a backup.', {
    place: { file, offset: 0 },
  })
}
