import { join } from 'node:path'
import { expect, it } from 'vitest'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { timeSyncs } from '../../../engine/base/timed-disk.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

it('tells how long the chosen files took to become durable, and of no others', async () => {
  const root = await temporaryDirectory()
  const took: number[] = []
  let nowMs = 0
  const clock = { nowMs: () => 0, nowUs: () => 0, monotonicMs: () => (nowMs += 5) }
  const isLog = (path: string) => path.endsWith('.wal')
  const disk = timeSyncs(nodeDisk, clock, isLog, (tookMs) => took.push(tookMs))
  for (const name of ['a.wal', 'b.txt']) {
    const file = await disk.open(join(root, name), 'create')
    await file.write(Buffer.from(name), 0)
    await file.dataSync()
    await file.writeDurably(Buffer.from('!'), 0)
    await file.sync()
    await file.close()
  }
  expect(took).toEqual([5, 5])
  expect((await disk.readFile(join(root, 'a.wal'), 10)).toString()).toBe('!.wal')
  expect(await disk.list(root)).toEqual(['a.wal', 'b.txt'])
})
