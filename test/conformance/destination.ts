/** What every destination must do; see the contract in engine/destination/destination.ts. */

import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { nodeDisk } from '../../engine/base/disk.ts'
import { type Destination, getWhole } from '../../engine/destination/destination.ts'
import { MemoryDestination } from '../../engine/destination/memory.ts'

/**
 * @param open gives, for each call within one test, another client of the same fresh store; its prefix
 *   or directory is empty
 */
export function destinationConformance(open: () => Promise<() => Destination>): void {
  const fresh = async () => (await open())()
  const text = async (destination: Destination, key: string) =>
    (await getWhole(destination, key, 1_000_000))?.toString()
  const keys = async (destination: Destination, prefix: string) => {
    const found: string[] = []
    for await (const { key } of destination.list(prefix)) found.push(key)
    return found
  }
  const put = (destination: Destination, key: string, value: string) =>
    destination.put(key, Buffer.from(value))

  it('gives back what was put', async () => {
    const destination = await fresh()
    const bytes = randomBytes(300_000)
    expect(await destination.put('objects/aa/one', bytes)).toBe(true)
    await destination.flush()
    const whole = await getWhole(destination, 'objects/aa/one', 300_000)
    expect(whole && bytes.equals(whole)).toBe(true)
    expect(await destination.head('objects/aa/one')).toEqual({ sizeBytes: 300_000 })
  })

  it('names a file that holds exactly the value, if it names one', async () => {
    const destination = await fresh()
    await put(destination, 'objects/aa/one', 'the value')
    const found = await destination.threadFile('objects/aa/one')
    if (found !== undefined) {
      expect(found.sizeBytes).toBe(9)
      expect((await nodeDisk.readFile(found.path, 100)).toString()).toBe('the value')
    }
    expect(await destination.threadFile('objects/aa/two')).toBeUndefined()
    await expect(destination.threadFile('../one')).rejects.toMatchObject({ code: 'unsafe-name' })
  })

  it('makes a value of a file that threads filled, if it has such files', async () => {
    const destination = await fresh()
    const stage = async (value: string) => {
      const staged = await destination.stageFile?.()
      if (staged !== undefined) await writeFile(staged.path, value)
      return staged
    }
    const first = await stage('first')
    if (first === undefined) return
    expect(await first.commit('objects/aa/one')).toBe(true)
    expect(await text(destination, 'objects/aa/one')).toBe('first')
    const second = await stage('second')
    expect(await second?.commit('objects/aa/one', { ifAbsent: true })).toBe(false)
    expect(await text(destination, 'objects/aa/one')).toBe('first')
    const third = await stage('third')
    expect(await third?.commit('objects/aa/one')).toBe(true)
    expect(await text(destination, 'objects/aa/one')).toBe('third')
    const fourth = await stage('fourth')
    await fourth?.discard()
    const fifth = await stage('fifth')
    await expect(fifth?.commit('../one')).rejects.toMatchObject({ code: 'unsafe-name' })
    await destination.flush()
    for await (const { key } of destination.list('')) expect(key).toBe('objects/aa/one')
    for await (const left of destination.unfinished?.list() ?? []) expect(left).toBeUndefined()
  })

  it('gives back an empty value', async () => {
    const destination = await fresh()
    await put(destination, 'empty', '')
    expect(await destination.head('empty')).toEqual({ sizeBytes: 0 })
    expect(await text(destination, 'empty')).toBe('')
  })

  it('stores a value that stands in shared memory, and does not keep the memory', async () => {
    const destination = await fresh()
    const shared = new Uint8Array(new SharedArrayBuffer(10)).fill(7)
    await destination.put('shared', shared)
    shared.fill(9)
    const target = new Uint8Array(new SharedArrayBuffer(10))
    expect(await destination.get('shared', target)).toEqual({ readBytes: 10, sizeBytes: 10 })
    expect([...target]).toEqual(new Array(10).fill(7))
  })

  it('says that a missing key is missing', async () => {
    const destination = await fresh()
    expect(await destination.head('no/such')).toBeUndefined()
    expect(await destination.get('no/such', new Uint8Array(1))).toBeUndefined()
    expect(await getWhole(destination, 'no/such', 1)).toBeUndefined()
    expect(await keys(destination, '')).toEqual([])
    await put(destination, 'no/other', 'x')
    expect(await destination.head('no/such')).toBeUndefined()
    expect(await destination.head('no')).toBeUndefined()
    expect(await destination.get('no', new Uint8Array(1))).toBeUndefined()
  })

  it.each([
    { offset: 0, length: 4, expected: '0123' },
    { offset: 3, length: 4, expected: '3456' },
    { offset: 8, length: 4, expected: '89' },
    { offset: 10, length: 4, expected: '' },
    { offset: 99, length: 4, expected: '' },
    { offset: 0, length: 0, expected: '' },
  ])('reads $length bytes from $offset and says the whole size', async (range) => {
    const destination = await fresh()
    await put(destination, 'digits', '0123456789')
    const target = Buffer.alloc(range.length, 'x')
    const got = await destination.get('digits', target, range.offset)
    expect(got).toEqual({ readBytes: range.expected.length, sizeBytes: 10 })
    expect(target.subarray(0, got?.readBytes).toString()).toBe(range.expected)
  })

  it('refuses to read a whole value that is longer than the caller allows', async () => {
    const destination = await fresh()
    await put(destination, 'long', '0123456789')
    await expect(getWhole(destination, 'long', 9)).rejects.toMatchObject({ code: 'limit-exceeded' })
  })

  it('replaces a value, and does not when it must be absent', async () => {
    const destination = await fresh()
    expect(await destination.put('key', Buffer.from('one'), { ifAbsent: true })).toBe(true)
    expect(await destination.put('key', Buffer.from('two'), { ifAbsent: true })).toBe(false)
    expect(await text(destination, 'key')).toBe('one')
    expect(await destination.put('key', Buffer.from('three'))).toBe(true)
    expect(await text(destination, 'key')).toBe('three')
  })

  it('case 50: of 8 racers for one key exactly one wins, and its value stays', async () => {
    const client = await open()
    const racers = Array.from({ length: 8 }, (_, racer) => ({ racer, destination: client() }))
    const won = await Promise.all(
      racers.map(({ racer, destination }) =>
        destination.put('lock', Buffer.from(`racer ${racer}`), { ifAbsent: true }),
      ),
    )
    expect(won.filter(Boolean)).toHaveLength(1)
    expect(await text(client(), 'lock')).toBe(`racer ${won.indexOf(true)}`)
  })

  it('lets 8 writers replace one key, and one whole value stays', async () => {
    const client = await open()
    const values = Array.from({ length: 8 }, (_, writer) => `${writer}`.repeat(50_000))
    await Promise.all(values.map((value) => client().put('key', Buffer.from(value))))
    expect(values).toContain(await text(client(), 'key'))
  })

  it('case 57: lists by prefix in byte order, without neighbours', async () => {
    const destination = await fresh()
    const all = ['a/1', 'a/2/x', 'a/10', 'ab/1', 'a-b', 'b/1', 'ä/1', '\u{1F600}/1', '\uFB01/1']
    for (const key of all) await put(destination, key, key)
    expect(await keys(destination, 'a/')).toEqual(['a/1', 'a/10', 'a/2/x'])
    expect(await keys(destination, 'a')).toEqual(['a-b', 'a/1', 'a/10', 'a/2/x', 'ab/1'])
    expect(await keys(destination, 'a/1')).toEqual(['a/1', 'a/10'])
    expect(await keys(destination, 'a/2/')).toEqual(['a/2/x'])
    expect(await keys(destination, 'a/2/x')).toEqual(['a/2/x'])
    expect(await keys(destination, 'c')).toEqual([])
    expect(await keys(destination, '')).toEqual([
      'a-b',
      'a/1',
      'a/10',
      'a/2/x',
      'ab/1',
      'b/1',
      'ä/1',
      '\uFB01/1',
      '\u{1F600}/1',
    ])
  })

  it('lists sizes', async () => {
    const destination = await fresh()
    await put(destination, 'x/a', 'four')
    await put(destination, 'x/b', '')
    const entries = []
    for await (const entry of destination.list('x/')) entries.push(entry)
    expect(entries).toEqual([
      { key: 'x/a', sizeBytes: 4 },
      { key: 'x/b', sizeBytes: 0 },
    ])
  })

  it.each([
    'with space/and  two',
    'plus+and space/1+1=2',
    'ünïcode/naïve/日本語/😀',
    'e\u0301/\u00e9',
    'quotes\'"`$(x)&|;<>*?[]{}~#%20',
    'back\\slash',
    'dots/...three/.hidden/x..y',
    '-leading/--dash',
    `${'n'.repeat(255)}/x`,
    Array.from({ length: 102 }, () => 'a'.repeat(9)).join('/'),
  ])('case 57: takes the key %j', async (key) => {
    const destination = await fresh()
    await put(destination, key, 'value')
    expect(await text(destination, key)).toBe('value')
    expect(await keys(destination, '')).toEqual([key])
    await destination.delete(key)
    expect(await destination.head(key)).toBeUndefined()
  })

  it('keeps composed and decomposed letters apart', async () => {
    const destination = await fresh()
    await put(destination, 'e\u0301', 'decomposed')
    await put(destination, '\u00e9', 'composed')
    expect(await text(destination, 'e\u0301')).toBe('decomposed')
    expect(await text(destination, '\u00e9')).toBe('composed')
  })

  it.each([
    '',
    '/',
    '/absolute',
    'a//b',
    'a/',
    '..',
    '../x',
    'a/../b',
    'a/..',
    '.',
    './x',
    'a/./b',
    'nul\0',
    'new\nline',
    'del\u007f',
    'lone\ud800',
    'x'.repeat(256),
    `${'ab/'.repeat(400)}x`,
  ])('case 57: refuses the key %j everywhere', async (key) => {
    const destination = await fresh()
    const refused = { code: 'unsafe-name' }
    await expect(put(destination, key, 'x')).rejects.toMatchObject(refused)
    await expect(destination.get(key, new Uint8Array(1))).rejects.toMatchObject(refused)
    await expect(destination.head(key)).rejects.toMatchObject(refused)
    await expect(destination.delete(key)).rejects.toMatchObject(refused)
    expect(await keys(destination, '')).toEqual([])
  })

  it('deletes, and deletes again', async () => {
    const destination = await fresh()
    await put(destination, 'a/x', '1')
    await put(destination, 'a/y', '2')
    await destination.delete('a/x')
    await destination.delete('a/x')
    await destination.delete('never/was')
    await destination.flush()
    expect(await keys(destination, '')).toEqual(['a/y'])
    expect(await destination.put('a/x', Buffer.from('3'), { ifAbsent: true })).toBe(true)
  })

  it('shows one client what another one has put', async () => {
    const client = await open()
    await put(client(), 'shared/key', 'seen')
    expect(await text(client(), 'shared/key')).toBe('seen')
    expect(await keys(client(), 'shared/')).toEqual(['shared/key'])
  })

  it('copies inside the store, or says that it cannot', async () => {
    const [client, other] = [await open(), await open()]
    const source = client()
    await put(source, 'objects/aa/one', 'one')
    const target = other()
    const copy = await target.copyFrom?.(source, 'objects/aa/one')
    expect([true, undefined]).toContain(copy)
    expect(await text(target, 'objects/aa/one')).toBe(copy === true ? 'one' : undefined)
    if (copy !== true) return
    await put(source, 'objects/aa/one', 'two')
    expect(await target.copyFrom?.(source, 'objects/aa/one', { ifAbsent: true })).toBe(false)
    expect(await text(target, 'objects/aa/one')).toBe('one')
    expect(await target.copyFrom?.(source, 'objects/aa/none')).toBeUndefined()
    expect(await target.copyFrom?.(new MemoryDestination(), 'objects/aa/one')).toBeUndefined()
  })

  it('flushes when there is nothing to flush', async () => {
    const destination = await fresh()
    await destination.flush()
    await destination.flush()
    expect(await keys(destination, '')).toEqual([])
  })
}
