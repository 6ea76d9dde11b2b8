/** A restore larger than the memory it gets: the data pass through, they are never held. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { builtEngine } from '../support/built-engine.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const command = fileURLToPath(new URL('../../dist/engine/cli/main.js', import.meta.url))
const peakMemory = new URL('./peak-memory.mjs', import.meta.url).href

const dimension = 4_096
const count = 16_384
const dataMib = (count * dimension * 4) / 2 ** 20

/** Node, its threads and the buffers of four pieces; the data are no part of it. */
const boundMib = 160

/** A repository with one snapshot of a flat collection. @returns the collection's digest */
async function makeRepository(root: string, repository: string): Promise<string> {
  const { createBackup, makeConfig, nodeDisk, openDataDirectory, systemClock } = await builtEngine()
  const data = await openDataDirectory(join(root, 'source'), { create: true, compaction: 'manual' })
  try {
    const items = await data.create('items', makeConfig({ dimension, metric: 'l2', index: 'flat' }))
    const common = Float32Array.from({ length: dimension }, (_, at) => at % 509)
    for (let first = 0; first < count; first += 512) {
      const points = Array.from({ length: 512 }, (_, index) => {
        const vector = common.slice()
        vector[0] = first + index
        return { id: first + index, vector }
      })
      await items.upsert(points)
    }
    await createBackup(items, {
      destination: repository,
      snapshotId: 's1',
      disk: nodeDisk,
      clock: systemClock,
      golden: { sample: 1 },
    })
    return items.digest
  } finally {
    await data.close()
  }
}

test.skipIf(process.platform !== 'linux')(
  `case 32: ${dataMib} MiB are restored with a heap of 64 MiB, within ${boundMib} MiB of memory`,
  async () => {
    const root = await temporaryDirectory()
    const repository = join(root, 'repository')
    const digest = await makeRepository(root, repository)
    const data = ['--data', join(root, 'restored')]
    const restore = ['collections', 'restore', 'items', '--source', repository, '--json']
    const { exitCode, stdout, stderr } = await execa(
      process.execPath,
      ['--max-old-space-size=64', '--import', peakMemory, command, ...data, ...restore],
      { reject: false, stdin: 'ignore' },
    )
    expect(exitCode, stderr).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ count, digest })
    const peakMib = Number(/peak memory (\d+) KiB/.exec(stderr)?.[1]) / 1024
    console.log(`case 32: ${dataMib} MiB restored, ${peakMib.toFixed(0)} MiB of memory at most`)
    expect(boundMib).toBeLessThan(dataMib)
    expect(peakMib).toBeLessThan(boundMib)
  },
)
