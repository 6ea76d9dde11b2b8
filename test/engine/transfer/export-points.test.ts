import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { openDataDirectory } from '../../../engine/collection/data-directory.ts'
import { acceptPoint, hashPoint, type PointInput } from '../../../engine/format/point.ts'
import { openFileSink } from '../../../engine/transfer/byte-sink.ts'
import { exportPoints, toLine } from '../../../engine/transfer/export-points.ts'
import { importCollection } from '../../../engine/transfer/import-collection.ts'
import { readJsonl } from '../../../engine/transfer/jsonl-reader.ts'
import { FaultyDisk, mutatingCalls } from '../../support/faulty-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { bytesSource, collect, cutAt, cuts } from './bytes.ts'

const config = {
  dimension: 3,
  metric: 'ip',
  index: { kind: 'flat' },
  durability: { mode: 'always' },
} as const

const ids = fc.oneof(
  fc.maxSafeNat(),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  fc.maxSafeNat().map(String),
)
const vectors = fc.array(
  fc.float({ noNaN: true, noDefaultInfinity: true, max: 2 ** 59, min: -(2 ** 59) }),
  {
    minLength: 3,
    maxLength: 3,
  },
)
const metadata = fc.dictionary(
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.jsonValue({ maxDepth: 3 }),
)

/** Points that a collection accepts. */
const points = fc.record({ id: ids, vector: vectors, metadata }).filter((input) => {
  try {
    acceptPoint(input, config)
    return true
  } catch {
    return false
  }
})

describe('an exported line', () => {
  it('reads back to the same canonical point wherever the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(points, { maxLength: 8 }), cuts, async (inputs, places) => {
        const stored = inputs.map((input) => acceptPoint(input, config))
        const text = stored
          .map(({ id, vector, metadata }) => toLine({ id, vector, metadata: JSON.parse(metadata) }))
          .join('')
        const read = await collect(readJsonl(bytesSource('x', cutAt(Buffer.from(text), places))))
        expect(read.map((point) => hashPoint(acceptPoint(point, config)))).toEqual(
          stored.map(hashPoint),
        )
      }),
    )
  })
})

describe('exportPoints', () => {
  it('gives a file that imports to the same content digest', async () => {
    const root = await temporaryDirectory()
    const directory = await openDataDirectory(root, { create: true })
    try {
      const inputs: PointInput[] = [
        { id: 42, vector: [0.1, -0, 1e-45] },
        {
          id: '42',
          vector: [1 / 3, 3.4e15, -2.5],
          metadata: { z: 1e-21, a: '\u2028"\\', n: [null, 1.5] },
        },
        { id: 'é\u0000', vector: [1, 2, 3], metadata: { '': {} } },
      ]
      const original = await directory.create('original', config)
      await original.upsert(inputs)
      const file = join(root, 'export.jsonl')
      const sink = await openFileSink(nodeDisk, file)
      const result = await exportPoints(original, sink, { clock: manualClock() })
      await sink.commit()
      const content = await readFile(file)
      expect(result).toMatchObject({ points: 3, bytes: content.length })
      const { collection } = await importCollection(directory, {
        name: 'copy',
        source: bytesSource('export.jsonl', [content]),
        format: 'jsonl',
        config: { metric: 'ip', index: 'flat' },
        clock: manualClock(),
      })
      expect(collection.digest).toBe(original.digest)
    } finally {
      await directory.close()
    }
  })
})

describe('openFileSink', () => {
  it('refuses to overwrite, before and after writing', async () => {
    const root = await temporaryDirectory()
    const file = join(root, 'taken')
    const sink = await openFileSink(nodeDisk, file)
    await sink.write(Buffer.from('mine'))
    await writeFile(file, 'theirs')
    await expect(sink.commit()).rejects.toMatchObject({ code: 'file-exists' })
    await sink.discard()
    await expect(openFileSink(nodeDisk, file)).rejects.toMatchObject({ code: 'file-exists' })
    expect(await readdir(root)).toEqual(['taken'])
    expect(await readFile(file, 'utf8')).toBe('theirs')
  })

  it('names a missing directory', async () => {
    const file = join(await temporaryDirectory(), 'nowhere', 'file')
    await expect(openFileSink(nodeDisk, file)).rejects.toMatchObject({ code: 'file-not-found' })
  })
})

describe('a file sink on a failing disk', () => {
  const write = async (disk: FaultyDisk) => {
    const sink = await openFileSink(disk, '/out/file')
    try {
      await sink.write(Buffer.from('one\n'))
      await sink.write(Buffer.from('two\n'))
      await sink.commit()
    } finally {
      await sink.discard()
    }
  }
  const freshDisk = async () => {
    const memory = new MemoryDisk()
    await memory.makeDirectory('/out')
    return { memory, disk: new FaultyDisk(memory) }
  }

  it('shows the whole file or none after a failure of any call', async () => {
    const healthy = await freshDisk()
    await write(healthy.disk)
    const mutating = healthy.disk.records.filter((each) =>
      (mutatingCalls as readonly string[]).includes(each.call),
    )
    const calls = mutating.length
    expect(calls).toBeGreaterThan(5)
    for (let at = 1; at <= calls; at++) {
      const { memory, disk } = await freshDisk()
      disk.arm({ at, errno: 'EIO' })
      await write(disk).catch(() => {})
      const names = await memory.list('/out')
      expect(disk.hits).toBe(1)
      expect(names.filter((name) => !/^file(\.[0-9a-f]{8}\.tmp)?$/.test(name))).toEqual([])
      if (!names.includes('file')) continue
      const content = await memory.readFile('/out/file', 100)
      expect(content.toString()).toBe('one\ntwo\n')
    }
  })

  it('uses a rename where there are no hard links', async () => {
    const { memory, disk } = await freshDisk()
    disk.arm({ calls: ['link'], errno: 'EPERM' })
    await write(disk)
    expect(await memory.list('/out')).toEqual(['file'])
  })
})
