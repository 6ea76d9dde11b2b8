import { describe, expect, it, onTestFinished } from 'vitest'
import { type DataDirectory, openDataDirectory } from '../../../engine/collection/data-directory.ts'
import type { CollectionConfig, Metric } from '../../../engine/format/config.ts'
import { importCollection } from '../../../engine/transfer/import-collection.ts'
import { importPoints } from '../../../engine/transfer/import-points.ts'
import type { InputFormat } from '../../../engine/transfer/input-format.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { bytesSource, collect } from './bytes.ts'

const flat = (dimension: number, metric: Metric = 'cosine'): CollectionConfig => ({
  dimension,
  metric,
  index: { kind: 'flat' },
  durability: { mode: 'always' },
})

async function openEmpty(): Promise<DataDirectory> {
  const directory = await openDataDirectory(await temporaryDirectory(), { create: true })
  onTestFinished(() => directory.close())
  return directory
}

const request = (content: string | Uint8Array, format: InputFormat = 'jsonl') => ({
  source: bytesSource('points', [Buffer.from(content)]),
  format,
  clock: manualClock(),
})

const point = (id: unknown, vector: readonly unknown[]) => `${JSON.stringify({ id, vector })}\n`

const floats = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer)

describe('importPoints', () => {
  it('writes in batches and says what it did', async () => {
    const directory = await openEmpty()
    const collection = await directory.create('c', flat(2))
    const events: unknown[] = []
    const lines = Array.from({ length: 25 }, (_, index) => point(index, [1, index])).join('')
    const result = await importPoints(collection, {
      ...request(lines),
      batch: 10,
      progress: (event) => events.push(event),
    })
    expect(result).toMatchObject({ points: 25, lsn: 3, bytes: lines.length, remarks: [] })
    expect(events).toMatchObject([{ done: 10 }, { done: 20 }, { done: 25 }])
    expect(collection.count).toBe(25)
    expect(collection.lsn).toBe(3)
  })

  it('keeps the last point of an id that comes twice', async () => {
    const collection = await (await openEmpty()).create('c', flat(2))
    await importPoints(collection, request(point(1, [1, 1]) + point(1, [2, 5])))
    expect(collection.count).toBe(1)
    expect((await collection.get(1))?.vector).toEqual(Float32Array.of(2, 5))
  })

  const bad: [what: string, line: string, message: RegExp, metric?: Metric][] = [
    ['NaN', '{"id":"bad","vector":[NaN,1]}\n', /line 4: the line is not JSON/],
    ['Infinity', '{"id":"bad","vector":[1,Infinity]}\n', /line 4: the line is not JSON/],
    [
      'a number that overflows to infinity',
      '{"id":"bad","vector":[1e999,1]}\n',
      /line 4: point "bad" has Infinity at position 0/,
    ],
    [
      '1e39, too large for float32',
      point('bad', [1, 1e39]),
      /has 1e\+39 at position 1, which is not a finite float32/,
    ],
    ['-1e39', point('bad', [1, -1e39]), /has -1e\+39 at position 1/],
    ['a zero vector with cosine', point('bad', [0, 0]), /all zeros/],
    ['a vector that rounds to zero with cosine', point('bad', [1e-60, -1e-60]), /all zeros/],
    ['too few values', point('bad', [1]), /has 1 values, the collection has dimension 2/],
    ['too many values', point('bad', [1, 2, 3]), /has 3 values, the collection has dimension 2/],
    ['text in the vector', point('bad', [1, '2']), /has "2" at position 1/],
    ['a hole in the vector', point('bad', [1, null]), /has null at position 1/],
    ['a list in the vector', point('bad', [1, [2]]), /at position 1/],
    ['a negative id', point(-1, [1, 2]), /id -1/],
    ['a fractional id', point(1.5, [1, 2]), /id 1.5/],
    [
      'an id that would lose digits',
      '{"id":9007199254740993,"vector":[1,2]}\n',
      /id 9007199254740992/,
    ],
    ['a null id', point(null, [1, 2]), /id/],
    ['an empty id', point('', [1, 2]), /id ""/],
    [
      'a prototype key',
      '{"id":"bad","vector":[1,2],"metadata":{"__proto__":{"a":1}}}\n',
      /__proto__/,
    ],
    [
      'metadata that would lose digits',
      '{"id":"bad","vector":[1,2],"metadata":{"n":9007199254740993}}\n',
      /lose digits/,
    ],
    ['metadata that is a list', '{"id":"bad","vector":[1,2],"metadata":[1]}\n', /not an object/],
  ]
  it.each(bad)(
    'case 97: refuses %s with its line, the whole batch, and says what is in',
    async (_, line, message) => {
      const collection = await (await openEmpty()).create('c', flat(2))
      const good = (id: number) => point(id, [1, id])
      const failure = importPoints(collection, {
        ...request(good(1) + good(2) + good(3) + line + good(5)),
        batch: 2,
      })
      await expect(failure).rejects.toMatchObject({
        message: expect.stringMatching(message),
        place: { file: 'points', line: 4 },
      })
      await expect(failure).rejects.toThrow('(the 2 points before this batch are imported)')
      expect(collection.count).toBe(2)
      expect(await collection.get(3)).toBeUndefined()
      const digest = collection.digest
      expect(await collection.proveDigest()).toBe(digest)
      const found = await collection.search([1, 1], { k: 5, exact: true })
      expect(found.map(({ id }) => id)).toEqual([1, 2])
    },
  )

  const rows: [what: string, values: number[]][] = [
    ['NaN', [1, Number.NaN]],
    ['Infinity', [Number.POSITIVE_INFINITY, 1]],
    ['-Infinity', [1, Number.NEGATIVE_INFINITY]],
    ['a zero vector', [0, -0]],
  ]
  it.each(rows)('case 97: refuses %s in a binary file with its row', async (_, values) => {
    const collection = await (await openEmpty()).create('c', flat(2))
    const failure = importPoints(collection, request(floats(1, 2, ...values), 'f32'))
    await expect(failure).rejects.toMatchObject({
      code: 'invalid-vector',
      message: expect.stringMatching(/^points row 1: point 1 .*\(nothing was imported\)$/),
      place: { file: 'points', offset: 8 },
    })
    expect(collection.count).toBe(0)
  })

  it('case 97: keeps subnormal numbers and stores -0 as 0', async () => {
    const collection = await (await openEmpty()).create('c', flat(3, 'l2'))
    await importPoints(collection, request(floats(1e-45, -0, 1), 'f32'))
    expect((await collection.get(0))?.vector).toEqual(Float32Array.of(1e-45, 0, 1))
  })

  it('stops between batches when the signal is given, also while it waits for input', async () => {
    const collection = await (await openEmpty()).create('c', flat(2))
    const stop = new AbortController()
    async function* stream() {
      yield Buffer.from(point(1, [1, 1]) + point(2, [1, 2]))
      await new Promise(() => {}) // a pipe that stays open and says nothing
    }
    const source = { ...bytesSource('pipe', []), chunks: stream }
    const failure = importPoints(collection, {
      ...request(''),
      source,
      batch: 2,
      signal: stop.signal,
      progress: () => stop.abort(new Error('stop')),
    })
    await expect(failure).rejects.toThrow('stop')
    expect(collection.count).toBe(2)
  })

  it('joins ids and metadata to rows and refuses files that do not fit', async () => {
    const collection = await (await openEmpty()).create('c', flat(2))
    const vectors = floats(1, 2, 3, 4)
    const metadata = (text: string) => bytesSource('meta', [Buffer.from(text)])
    const run = (text: string) =>
      importPoints(collection, { ...request(vectors, 'f32'), metadata: metadata(text) })
    await expect(run('{"id":"a"}\n')).rejects.toThrow('points row 1: meta ends before this row')
    await expect(run('{"id":"a"}\n{"id":"b"}\n{"id":"c"}')).rejects.toThrow(
      'meta line 3: there are only 2 vectors',
    )
    await expect(run('{"id":"a"}\n{"name":"b"}')).rejects.toThrow(
      'meta line 2: the line has no "id"',
    )
    await run('{"id":"a","year":2020}\n\n{"id":7}')
    expect(await collect(collection.points())).toMatchObject([
      { id: 'a', metadata: { year: 2020 } },
      { id: 7, metadata: {} },
    ])
    const jsonl = { ...request(point(1, [1, 2])), metadata: metadata('{}') }
    await expect(importPoints(collection, jsonl)).rejects.toMatchObject({ code: 'usage' })
  })

  it('refuses a batch out of bounds', async () => {
    const collection = await (await openEmpty()).create('c', flat(2))
    for (const batch of [0, 1.5, 10_001]) {
      const failure = importPoints(collection, { ...request(''), batch })
      await expect(failure).rejects.toMatchObject({ code: 'usage' })
    }
  })
})

describe('importCollection', () => {
  it('makes the collection with the dimension of the source and checkpoints it', async () => {
    const directory = await openEmpty()
    const config = { metric: 'l2', index: 'flat' }
    const result = await importCollection(directory, {
      ...request(point('a', [1, 2, 3])),
      name: 'new',
      config,
    })
    expect(result).toMatchObject({ created: true, points: 1 })
    expect(result.collection.config).toEqual(flat(3, 'l2'))
    expect(result.collection.stats().checkpointLsn).toBe(1)
  })

  it('leaves no collection behind when its first import fails at any batch', async () => {
    const directory = await openEmpty()
    const lines = point(1, [1, 2]) + point(2, [1, 2]) + point(3, [1])
    for (const batch of [1, 2, 3]) {
      const failure = importCollection(directory, { ...request(lines), name: 'new', batch })
      await expect(failure).rejects.toThrow(
        'points line 3: point 3 has 1 values, the collection has dimension 2 (nothing was imported, the new collection is gone again)',
      )
      expect(directory.names()).toEqual([])
    }
    const again = await importCollection(directory, { ...request(point(1, [1, 2])), name: 'new' })
    expect(again.collection.count).toBe(1)
  })

  it('leaves no collection behind when the import is stopped', async () => {
    const directory = await openEmpty()
    const stop = new AbortController()
    const failure = importCollection(directory, {
      ...request(point(1, [1, 2]) + point(2, [1, 2])),
      name: 'new',
      batch: 1,
      signal: stop.signal,
      progress: () => stop.abort(new Error('stop')),
    })
    await expect(failure).rejects.toThrow('stop')
    expect(directory.names()).toEqual([])
  })

  it('refuses settings that the existing collection does not have', async () => {
    const directory = await openEmpty()
    await directory.create('c', flat(2))
    const run = (more: object) =>
      importCollection(directory, { ...request(point(1, [1, 2])), name: 'c', ...more })
    await expect(run({ config: { metric: 'l2' } })).rejects.toThrow(
      'exists with metric cosine, not l2',
    )
    await expect(run({ config: { m: 16 } })).rejects.toThrow('exists with m unset, not 16')
    await expect(run({ dimension: 3 })).rejects.toThrow('exists with dimension 2, not 3')
    await run({ dimension: 2, config: { metric: 'cosine', index: 'flat' } })
  })

  it('refuses a source that tells no dimension, or another one than was said', async () => {
    const directory = await openEmpty()
    const run = (content: string | Uint8Array, format: InputFormat, dimension?: number) =>
      importCollection(directory, { ...request(content, format), name: 'c', dimension })
    await expect(run('\n\n', 'jsonl')).rejects.toThrow('points is empty and tells no dimension')
    await expect(run(floats(1, 2), 'f32')).rejects.toThrow('raw float32, which has no dimension')
    await expect(run(point(1, [1, 2]), 'jsonl', 3)).rejects.toThrow('of dimension 2, not 3')
    expect(directory.names()).toEqual([])
    expect(await run('', 'jsonl', 3)).toMatchObject({ points: 0, created: true })
  })

  it('says that float64 is rounded', async () => {
    const text = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }\n"
    const size = Buffer.from([text.length, 0])
    const values = Buffer.from(Float64Array.of(0.1, 1e30).buffer)
    const file = Buffer.concat([
      Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
      size,
      Buffer.from(text),
      values,
    ])
    const result = await importCollection(await openEmpty(), { ...request(file, 'npy'), name: 'c' })
    expect(result.remarks).toEqual([expect.stringContaining('rounded to float32')])
    expect((await result.collection.get(0))?.vector).toEqual(Float32Array.of(0.1, 1e30))
  })
})
