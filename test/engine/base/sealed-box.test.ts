import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MiB } from '../../../engine/base/limits.ts'
import { SEALED_OVERHEAD_BYTES, seal, unseal } from '../../../engine/base/sealed-box.ts'
import { tellCount } from '../../support/counts.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { checkProperty } from '../format/property.ts'

const random = seededRandom(88)
const key = random.bytes(32)

/** The plain bytes, or undefined: not authentic, and then nothing is handed out. */
function open(box: Uint8Array, label = 'here', rootKey = key): Buffer | undefined {
  const target = Buffer.alloc(Math.max(0, box.length - SEALED_OVERHEAD_BYTES), 1)
  if (unseal({ rootKey, label }, box, target)) return target
  expect(target.every((byte) => byte === 0)).toBe(true)
  return undefined
}

describe('a sealed box', () => {
  it('opens to what was sealed, of any size', async () => {
    const sizes = fc.oneof(fc.nat(300), fc.constantFrom(MiB - 1, MiB, MiB + 1, 3 * MiB + 7))
    await checkProperty(
      'sealed boxes',
      60,
      fc.property(sizes, fc.string(), (sizeBytes, label) => {
        const plain = random.bytes(sizeBytes)
        const box = seal({ rootKey: key, label }, plain)
        expect(box).toHaveLength(sizeBytes + SEALED_OVERHEAD_BYTES)
        expect(open(box, label)?.equals(plain)).toBe(true)
      }),
    )
  })

  it('is another one each time, and shows nothing of what is in it', () => {
    const plain = Buffer.alloc(4_096, 'secret ')
    const boxes = Array.from({ length: 50 }, () => seal({ rootKey: key, label: 'here' }, plain))
    const salts = new Set(boxes.map((box) => box.toString('hex', 8, 40)))
    const bodies = new Set(boxes.map((box) => box.toString('hex', 40)))
    expect([salts.size, bodies.size]).toEqual([50, 50])
    for (const box of boxes) expect(box.includes('secret')).toBe(false)
  })

  it('case 13, case 88: does not open with any bit flipped', () => {
    const box = seal({ rootKey: key, label: 'here' }, random.bytes(100))
    for (let bit = 0; bit < 8 * box.length; bit++) {
      const flipped = Buffer.from(box)
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(open(flipped), `bit ${bit}`).toBeUndefined()
    }
    tellCount({ kind: 'flipped bit', what: 'a sealed box', count: 8 * box.length })
  })

  it('case 88: does not open when parts of it are dropped, doubled, reordered or cut', async () => {
    const box = seal({ rootKey: key, label: 'here' }, random.bytes(200))
    const at = fc.nat(box.length)
    await checkProperty(
      'damaged boxes',
      500,
      fc.property(at, at, at, fc.constantFrom('drop', 'double', 'swap', 'cut'), (a, b, c, how) => {
        const [x = 0, y = 0, z = 0] = [a, b, c].sort((left, right) => left - right)
        const [p, q, r, s] = [
          box.subarray(0, x),
          box.subarray(x, y),
          box.subarray(y, z),
          box.subarray(z),
        ]
        const parts = {
          drop: [p, q, s],
          double: [p, q, q, r, s],
          swap: [p, r, q, s],
          cut: [p],
        }[how]
        const changed = Buffer.concat(parts)
        fc.pre(!changed.equals(box))
        expect(open(changed)).toBeUndefined()
      }),
    )
  })

  it('case 88: does not open with another key or under another label', () => {
    const box = seal({ rootKey: key, label: 'here' }, random.bytes(32))
    expect(open(box)).toBeDefined()
    expect(open(box, 'there')).toBeUndefined()
    expect(open(box, '')).toBeUndefined()
    expect(open(box, 'here', random.bytes(32))).toBeUndefined()
  })

  it('opens into and from memory that threads share', () => {
    const plain = random.bytes(2 * MiB)
    const shared = new Uint8Array(new SharedArrayBuffer(plain.length))
    shared.set(plain)
    const box = seal({ rootKey: key, label: 'here' }, shared)
    shared.fill(0)
    expect(unseal({ rootKey: key, label: 'here' }, box, shared)).toBe(true)
    expect(plain.equals(shared)).toBe(true)
  })
})
