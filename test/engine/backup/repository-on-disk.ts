/** A repository in a directory, with two snapshots that share objects, and ways to damage it. */
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createBackup } from '../../../engine/backup/create.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { pinnedSource, segment } from './pinned-source.ts'

const random = seededRandom(24)
const file = (path: string, sizeBytes: number) => ({ path, bytes: random.bytes(sizeBytes) })

export const shared = [file(segment(1, 'vectors'), 20_000), file(segment(1, 'points'), 3_000)]
export const onlyFirst = file('config.json', 200)
export const onlySecond = [file(segment(2, 'vectors'), 5_000), file(segment(2, 'points'), 1)]

/** Makes the repository below `root`, which must not exist. */
export async function writeRepository(root: string): Promise<void> {
  const options = { disk: nodeDisk, clock: manualClock(), destination: root }
  await createBackup(pinnedSource([...shared, onlyFirst]), { ...options, snapshotId: 's1' })
  const later = pinnedSource([...shared, ...onlySecond], { lsn: 8 })
  await createBackup(later, { ...options, snapshotId: 's2' })
}

/** Paths of all files below `root`, relative, sorted; temporary ones left out. */
export async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort()
}

/** Runs `use` on a copy of the repository for each of its files. */
export async function forEachFile(
  repository: string,
  scratch: string,
  use: (copy: string, path: string) => Promise<void>,
): Promise<void> {
  for (const [index, path] of (await filesBelow(repository)).entries()) {
    const copy = join(scratch, `copy-${index}`)
    await mkdir(copy, { recursive: true })
    await cp(repository, copy, { recursive: true })
    await use(copy, path)
  }
}

export async function changeFile(
  file: string,
  change: (bytes: Buffer) => Uint8Array,
): Promise<void> {
  await writeFile(file, change(await readFile(file)))
}

export const flipBit = (bytes: Buffer, bit: number): Buffer => {
  const damaged = Buffer.from(bytes)
  const at = bit >> 3
  damaged[at] = (damaged[at] ?? 0) ^ (1 << (bit & 7))
  return damaged
}
