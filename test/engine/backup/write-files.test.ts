import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { restoreSnapshot } from '../../../engine/backup/restore.ts'
import { type Disk, nodeDisk } from '../../../engine/base/disk.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { openTest, smallConfig, somePoints, threadless } from '../../support/collections.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { suiteDirectory, temporaryDirectory } from '../../support/temporary-directory.ts'

const suite = suiteDirectory()
const clock = manualClock()
const source = new MemoryDestination('source')
let digest = ''
/** The object that the vectors of the second segment are. */
let secondVectors = ''

beforeAll(async () => {
  const directory = await openTest(join(suite.path, 'source'))
  const items = await directory.create('items', smallConfig)
  const points = somePoints(seededRandom(5), 60)
  for (const part of [points.slice(0, 30), points.slice(30)]) {
    await items.upsert(part)
    await items.checkpoint()
  }
  const options = { disk: nodeDisk, clock, snapshotId: 'both', golden: { sample: 4 } }
  await createBackup(items, { ...options, destination: source })
  digest = items.digest
  secondVectors = items.manifest.segments[1]?.vectors.pieces[0] ?? 'none'
  await directory.close()
})

/** The source, on which the vectors of the second segment are handed out only after `before`. */
class HeldSource extends MemoryDestination {
  readonly #before: Promise<void>
  readonly #change: (bytes: Uint8Array) => void

  constructor(before: Promise<void>, change: (bytes: Uint8Array) => void = () => {}) {
    super('held')
    this.#before = before
    this.#change = change
  }

  override async get(key: string, target: Uint8Array, offset?: number) {
    const isHeld = key.endsWith(secondVectors)
    if (isHeld) await this.#before
    const found = await source.get(key, target, offset)
    if (isHeld) this.#change(target)
    return found
  }

  override head = (key: string) => source.head(key)
  override list = (prefix: string) => source.list(prefix)
}

/** A disk that says when the first segment of a restored collection is being opened. */
function watchedDisk(): { readonly disk: Disk; readonly opened: Promise<void> } {
  let tell: () => void
  const opened = new Promise<void>((resolve) => {
    tell = resolve
  })
  const disk: Disk = {
    ...nodeDisk,
    open: (path, mode) => {
      if (mode === 'read' && path.endsWith('00000001.vectors')) tell()
      return nodeDisk.open(path, mode)
    },
  }
  return { disk, opened }
}

async function restoreFrom(change?: (bytes: Uint8Array) => void) {
  const { disk, opened } = watchedDisk()
  const path = await temporaryDirectory()
  const data = await openTest(path, { disk })
  const held = new HeldSource(opened, change)
  const restoring = restoreSnapshot(threadless(data), {
    ...{ collection: 'items', source: held, disk, clock },
  })
  return { path, data, restoring }
}

describe('files of a restore', () => {
  test('are opened and proven while later ones are still on their way', async () => {
    const { data, restoring } = await restoreFrom()
    const restored = await restoring // for ever, if the first segment were opened after the second came
    expect(restored).toMatchObject({ count: 60, digest, files: { reused: 0 } })
    expect(restored.phases.map(({ phase }) => phase).slice(-3)).toEqual(['write', 'prove', 'load'])
    expect(restored.durableMs).toBeLessThanOrEqual(restored.durationMs)
    await data.close()
  })

  test('leave nothing behind when a later one is damaged while the first is being proven', async () => {
    const { path, data, restoring } = await restoreFrom((bytes) => {
      bytes[70] = (bytes[70] ?? 0) ^ 1
    })
    await expect(restoring).rejects.toMatchObject({ code: 'damaged' })
    expect(data.names()).toEqual([])
    expect(await readdir(join(path, 'collections'))).toEqual([])
    await data.close()
  })
})
