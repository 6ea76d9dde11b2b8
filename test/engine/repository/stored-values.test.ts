import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { Sealing } from '../../../engine/repository/sealing.ts'
import { StoredValues } from '../../../engine/repository/stored-values.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { checkProperty } from '../format/property.ts'

const random = seededRandom(288)
const id = '5d9ee454-b8d6-452d-ba2a-69bfa0f3a4eb'
const sealing = new Sealing(id, random.bytes(32))
const options = {}

describe('a value of a repository', () => {
  it('reads back whole and by its tail, plain or sealed, of any size and with any tail', async () => {
    await checkProperty(
      'stored values',
      300,
      fc.asyncProperty(
        fc.nat(700),
        fc.nat(400),
        fc.boolean(),
        async (size, tailBytes, isSealed) => {
          const values = new StoredValues(new MemoryDestination(), isSealed ? sealing : undefined)
          const bytes = random.bytes(size)
          expect(await values.write('a/b', bytes, tailBytes, options)).toBe(true)
          expect((await values.read('a/b', size, tailBytes))?.equals(bytes)).toBe(true)
          if (tailBytes === 0) return
          const tail = await values.readTail('a/b', tailBytes)
          expect(tail?.sizeBytes).toBe(size)
          expect(tail?.bytes.equals(bytes.subarray(Math.max(0, size - tailBytes)))).toBe(true)
        },
      ),
    )
  })

  it('that is not there is undefined, whole and by its tail', async () => {
    const values = new StoredValues(new MemoryDestination(), sealing)
    expect(await values.read('a', 10, 0)).toBeUndefined()
    expect(await values.readTail('a', 10)).toBeUndefined()
  })

  it('case 88: sealed, is damaged with any bit flipped, at any other length, and under another key', async () => {
    const destination = new MemoryDestination()
    const values = new StoredValues(destination, sealing)
    const damaged = { code: 'damaged', place: { file: destination.locate('a') } }
    for (const tailBytes of [0, 40]) {
      await values.write('a', random.bytes(90), tailBytes, options)
      const sound = Buffer.alloc((await destination.head('a'))?.sizeBytes ?? 0)
      await destination.get('a', sound)
      for (let bit = 0; bit < 8 * sound.length; bit++) {
        const flipped = Buffer.from(sound)
        flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        await destination.put('a', flipped)
        await expect(values.read('a', 90, tailBytes)).rejects.toMatchObject(damaged)
      }
      for (let length = 0; length < sound.length; length++) {
        await destination.put('a', sound.subarray(0, length))
        await expect(values.read('a', 90, tailBytes)).rejects.toMatchObject(damaged)
      }
      await destination.put('b', sound)
      await expect(values.read('b', 90, tailBytes)).rejects.toMatchObject({ code: 'damaged' })
      await destination.put('a', sound)
      expect(await values.read('a', 90, tailBytes)).toHaveLength(90)
    }
  })

  it('case 88: sealed with a tail, is damaged when head and tail are of two values, or one of them twice', async () => {
    const destination = new MemoryDestination()
    const values = new StoredValues(destination, sealing)
    const parts: Buffer[] = []
    for (const key of ['a', 'b']) {
      await values.write(key, random.bytes(80), 40, options)
      const stored = Buffer.alloc(2 * 96)
      await destination.get(key, stored)
      parts.push(stored.subarray(0, 96), stored.subarray(96))
    }
    const [headA = parts[0], tailA, headB, tailB] = parts
    const mixes = [
      [headA, tailB],
      [headB, tailA],
      [tailA, headA],
      [headA, headA],
      [tailA, tailA],
    ]
    for (const mix of mixes) {
      await destination.put('a', Buffer.concat(mix.map((part) => part ?? Buffer.alloc(0))))
      await expect(values.read('a', 80, 40)).rejects.toMatchObject({ code: 'damaged' })
    }
  })

  it('larger than it may be is refused before it is read', async () => {
    const destination = new MemoryDestination()
    const values = new StoredValues(destination, sealing)
    await values.write('a', random.bytes(101), 0, options)
    destination.get = () => {
      throw new Error('it was read')
    }
    await expect(values.read('a', 100, 0)).rejects.toMatchObject({ code: 'damaged' })
  })
})
