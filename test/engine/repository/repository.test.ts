import { describe, expect, it } from 'vitest'
import { OperatingError } from '../../../engine/base/errors.ts'
import { getWhole } from '../../../engine/destination/destination.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { encodeDocument } from '../../../engine/format/document.ts'
import { newestSnapshot, readSnapshots } from '../../../engine/repository/read-snapshots.ts'
import { Repository, type StoredSnapshot } from '../../../engine/repository/repository.ts'
import {
  encodeSnapshot,
  type SnapshotManifest,
} from '../../../engine/repository/snapshot-manifest.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { sampleManifest } from './sample-manifest.ts'

const clock = manualClock()
const manifestKey = 'snapshots/products/daily_1.json'

async function keysOf(destination: MemoryDestination): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of destination.list('')) keys.push(key)
  return keys
}

describe('opening a repository', () => {
  it('makes one of an empty destination, and finds it again', async () => {
    const destination = new MemoryDestination()
    const made = await Repository.openOrCreate(destination, clock)
    const found = await Repository.open(destination)
    expect(found.file).toEqual(made.file)
    expect(found.file).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      createdAt: '2026-01-01T00:00:00.000Z',
      encryption: null,
    })
    expect((await Repository.openOrCreate(destination, clock)).file.id).toBe(made.file.id)
  })

  it('lets 8 processes make it at once, and all have the same one', async () => {
    const destination = new MemoryDestination()
    const made = await Promise.all(
      Array.from({ length: 8 }, () => Repository.openOrCreate(destination, clock)),
    )
    expect(new Set(made.map(({ file }) => file.id)).size).toBe(1)
  })

  it('finds none in an empty destination, and makes none by looking', async () => {
    const destination = new MemoryDestination()
    await expect(Repository.open(destination)).rejects.toMatchObject({
      code: 'repository-not-found',
      exitCode: 14,
    })
    expect(await keysOf(destination)).toEqual([])
  })

  it('refuses a destination with other things in it, and leaves them alone', async () => {
    const destination = new MemoryDestination()
    await destination.put('holiday/photo.jpg', Buffer.from('x'))
    await expect(Repository.open(destination)).rejects.toMatchObject({
      code: 'repository-not-found',
    })
    await expect(Repository.openOrCreate(destination, clock)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('holiday/photo.jpg'),
    })
    expect(await keysOf(destination)).toEqual(['holiday/photo.jpg'])
  })

  it.each(['objects/aa/x', manifestKey])(
    'case 18: names the missing repository.json beside %s, and does not make a new one',
    async (remaining) => {
      const destination = new MemoryDestination()
      await destination.put('README', Buffer.from('x'))
      await destination.put(remaining, Buffer.from('x'))
      for (const open of [
        () => Repository.open(destination),
        () => Repository.openOrCreate(destination, clock),
      ]) {
        await expect(open()).rejects.toMatchObject({
          code: 'missing-file',
          exitCode: 13,
          place: { file: 'memory:memory/repository.json' },
        })
      }
      expect(await keysOf(destination)).toEqual(['README', remaining])
    },
  )

  it('case 23: refuses a newer format and writes nothing', async () => {
    const destination = new MemoryDestination()
    const newer = encodeDocument(
      { format: 'vectra-repository', version: 3 },
      { id: 'x', layout: 'new' },
    )
    await destination.put('repository.json', newer)
    for (const open of [
      () => Repository.open(destination),
      () => Repository.openOrCreate(destination, clock),
    ]) {
      await expect(open()).rejects.toMatchObject({
        code: 'newer-format',
        hint: expect.stringMatching(/upgrade/i),
      })
    }
    expect(await keysOf(destination)).toEqual(['repository.json'])
  })

  it('case 13: refuses repository.json with any bit flipped', async () => {
    const destination = new MemoryDestination()
    await Repository.openOrCreate(destination, clock)
    const bytes = (await getWhole(destination, 'repository.json', 10_000)) ?? Buffer.of()
    for (let at = 0; at < 8 * bytes.length; at++) {
      const damaged = Buffer.from(bytes)
      damaged[at >> 3] = (damaged[at >> 3] ?? 0) ^ (1 << (at & 7))
      await destination.put('repository.json', damaged)
      await expect(Repository.open(destination), `bit ${at}`).rejects.toMatchObject({
        code: expect.stringMatching(/^(damaged|newer-format)$/),
      })
    }
  })

  it.each([
    ['case 21: truncated to nothing', (): Buffer => Buffer.of()],
    ['case 21: grown beyond reading', (): Buffer => Buffer.alloc(100_000, ' ')],
    ['case 22: with trailing garbage', (bytes: Buffer): Buffer => Buffer.concat([bytes, bytes])],
    [
      'with encryption that it cannot have',
      (): Buffer => encodeDocument({ format: 'vectra-repository', version: 1 }, { encryption: {} }),
    ],
  ])('refuses repository.json %s', async (_, change) => {
    const destination = new MemoryDestination()
    await Repository.openOrCreate(destination, clock)
    const bytes = (await getWhole(destination, 'repository.json', 10_000)) ?? Buffer.of()
    await destination.put('repository.json', change(bytes))
    await expect(Repository.open(destination)).rejects.toMatchObject({ code: 'damaged' })
    await expect(Repository.openOrCreate(destination, clock)).rejects.toMatchObject({
      code: 'damaged',
    })
  })
})

describe('snapshots', () => {
  const opened = async () => {
    const destination = new MemoryDestination()
    return { destination, repository: await Repository.openOrCreate(destination, clock) }
  }

  it('are published once', async () => {
    const { repository } = await opened()
    const published = await repository.publish(sampleManifest())
    expect(published?.key).toBe(manifestKey)
    expect(await repository.publish(sampleManifest({ lsn: 43 }))).toBeUndefined()
    expect(await repository.snapshot('products', 'daily_1')).toEqual(published)
    expect(await repository.snapshot('products', 'daily_2')).toBeUndefined()
  })

  it('case 19: are refused in the place of another one', async () => {
    const { destination, repository } = await opened()
    await destination.put('snapshots/products/daily_2.json', encodeSnapshot(sampleManifest()))
    await destination.put('snapshots/other/daily_1.json', encodeSnapshot(sampleManifest()))
    for (const [collection, id] of [
      ['products', 'daily_2'],
      ['other', 'daily_1'],
    ] as const) {
      await expect(repository.snapshot(collection, id)).rejects.toMatchObject({
        code: 'damaged',
        message: expect.stringContaining('wrong place'),
      })
    }
  })

  it('case 86: are refused by their size before they are read', async () => {
    const { destination, repository } = await opened()
    await destination.put(manifestKey, Buffer.alloc(33 * 1024 * 1024))
    destination.get = () => {
      throw new Error('it was read')
    }
    await expect(repository.snapshot('products', 'daily_1')).rejects.toMatchObject({
      code: 'damaged',
    })
  })

  it('are listed by collection and time, the unreadable and the strangers apart', async () => {
    const { destination, repository } = await opened()
    const { uuid } = sampleManifest().collection
    for (const [id, day, name] of [
      ['b', 1, 'products'],
      ['a', 2, 'products'],
      ['c', 1, 'alpha'],
    ] as const) {
      const createdAt = `2026-01-0${day}T00:00:00.000Z`
      await repository.publish(sampleManifest({ id, createdAt, collection: { uuid, name } }))
    }
    await destination.put('snapshots/products/broken.json', Buffer.from('{}'))
    await destination.put('snapshots/products/README', Buffer.from('x'))
    const set = await readSnapshots(repository)
    expect(set.snapshots.map(({ key }) => key)).toEqual([
      'snapshots/alpha/c.json',
      'snapshots/products/b.json',
      'snapshots/products/a.json',
    ])
    expect(set.unreadable.map(({ id, error }) => [id, error.code])).toEqual([['broken', 'damaged']])
    expect(set.strangers).toEqual(['snapshots/products/README'])
    expect((await readSnapshots(repository, 'alpha')).snapshots).toHaveLength(1)
  })

  it('an unreachable store is no damage of a snapshot', async () => {
    const { destination, repository } = await opened()
    await repository.publish(sampleManifest())
    destination.get = () => Promise.reject(new OperatingError('unreachable', 'away', 'Try again.'))
    await expect(readSnapshots(repository)).rejects.toMatchObject({ code: 'unreachable' })
  })
})

describe('the newest snapshot', () => {
  const stored = (changes: Partial<SnapshotManifest>): StoredSnapshot => {
    const manifest = sampleManifest(changes)
    const signature = { status: 'unsigned', publicKey: null } as const
    return { manifest, sha256: '', key: manifest.id, place: '', signature }
  }
  const at = (id: string, lsn: number, day: number, history = '0'.repeat(16)) =>
    stored({
      id,
      lsn,
      createdAt: `2026-01-${String(day).padStart(2, '0')}T00:00:00.000Z`,
      epoch: { number: 1, history },
    })

  it('is the one with the highest LSN of a history', () => {
    expect(newestSnapshot([at('a', 1, 1), at('b', 3, 2), at('c', 2, 3)])?.key).toBe('b')
  })

  it('case 40: is not hidden by a clock that was set back', () => {
    expect(newestSnapshot([at('old', 10, 20), at('new', 11, 5)])?.key).toBe('new')
  })

  it('of equal LSNs is the one taken last', () => {
    expect(newestSnapshot([at('b', 1, 2), at('a', 1, 3)])?.key).toBe('a')
  })

  it('of several histories is in the one backed up last', () => {
    const next = 'f'.repeat(16)
    expect(newestSnapshot([at('old', 900, 1), at('restored', 5, 2, next)])?.key).toBe('restored')
  })

  it('of none is none', () => {
    expect(newestSnapshot([])).toBeUndefined()
  })
})
