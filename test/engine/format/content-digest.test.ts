import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sha256 } from '../../../engine/base/checksum.ts'
import { ContentDigest } from '../../../engine/format/content-digest.ts'
import { hashPoint } from '../../../engine/format/point.ts'
import { checkProperty } from './property.ts'
import { pointOf } from './samples.ts'

const modulus = 2n ** 256n
const anyHash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))
/** Hashes that carry through many limbs. */
const extremeHash = fc
  .array(fc.constantFrom(0, 0xff, 0x80, 1), { minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes))
const hashes = fc.array(fc.oneof(anyHash, extremeHash), { maxLength: 20 })

const numberOf = (hash: Buffer): bigint => BigInt(`0x${hash.toString('hex')}`)
const hexOf = (value: bigint): string =>
  (((value % modulus) + modulus) % modulus).toString(16).padStart(64, '0')

const sumOf = (all: readonly Buffer[]): ContentDigest => {
  const digest = new ContentDigest()
  for (const hash of all) digest.add(hash)
  return digest
}

describe('the content digest', () => {
  test('of nothing is 64 zeros', () => {
    expect(new ContentDigest().toString()).toBe('0'.repeat(64))
  })

  test('of one point is the SHA-256 of its canonical bytes', () => {
    const point = pointOf('a', { b: 1 })
    expect(sumOf([hashPoint(point)]).toString()).toBe(sha256(point.bytes).toString('hex'))
  })

  test('is the sum modulo 2^256 that a naive implementation computes', () =>
    checkProperty(
      'digest against BigInt',
      500,
      fc.property(hashes, hashes, (added, taken) => {
        const digest = sumOf(added)
        let naive = added.reduce((sum, hash) => sum + numberOf(hash), 0n)
        for (const hash of taken) {
          digest.subtract(hash)
          naive -= numberOf(hash)
          expect(digest.toString()).toBe(hexOf(naive))
        }
        expect(digest.toString()).toBe(hexOf(naive))
      }),
    ))

  test('does not depend on the order', () =>
    checkProperty(
      'digest of any order',
      200,
      fc.property(
        hashes.chain((all) =>
          fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
        ),
        ([all, shuffled]) => {
          expect(sumOf(shuffled).toString()).toBe(sumOf(all).toString())
        },
      ),
    ))

  test('forgets what was added and taken away, in any order', () =>
    checkProperty(
      'digest, add and subtract',
      200,
      fc.property(hashes, hashes, (kept, gone) => {
        const digest = new ContentDigest()
        for (const hash of gone) digest.subtract(hash)
        for (const hash of kept) digest.add(hash)
        for (const hash of [...gone].reverse()) digest.add(hash)
        expect(digest.toString()).toBe(sumOf(kept).toString())
        for (const hash of kept) digest.subtract(hash)
        expect(digest.toString()).toBe(new ContentDigest().toString())
      }),
    ))

  test('carries and borrows through all limbs', () => {
    const ones = Buffer.alloc(32, 0xff)
    const one = Buffer.alloc(32)
    one[31] = 1
    const digest = sumOf([ones, one])
    expect(digest.toString()).toBe('0'.repeat(64))
    digest.subtract(one)
    expect(digest.toString()).toBe('f'.repeat(64))
  })

  test('counts a point that is there twice, twice: no pair of equals cancels out', () => {
    const hash = sha256(Buffer.from('a'))
    const twice = sumOf([hash, hash]).toString()
    expect(twice).toBe(hexOf(2n * numberOf(hash)))
    expect(twice).not.toBe('0'.repeat(64))
  })

  test('reads a hash at an offset of a larger buffer', () => {
    const hash = sha256(Buffer.from('a'))
    const digest = new ContentDigest()
    digest.add(Buffer.concat([Buffer.alloc(7, 0xaa), hash, Buffer.alloc(9, 0xbb)]), 7)
    expect(digest.toString()).toBe(hash.toString('hex'))
    expect(() => digest.add(hash, 1)).toThrow(RangeError)
  })

  test('reads its own text back, refuses a shorter one, and copies are independent', () => {
    const digest = sumOf([sha256(Buffer.from('a')), sha256(Buffer.from('b'))])
    expect(ContentDigest.parse(digest.toString()).toString()).toBe(digest.toString())
    expect(() => ContentDigest.parse('ab'.repeat(31))).toThrow(RangeError)
    expect(() => ContentDigest.parse(`${'ab'.repeat(31)}xy`)).toThrow(RangeError)
    const copy = digest.copy()
    copy.add(sha256(Buffer.from('c')))
    expect(copy.toString()).not.toBe(digest.toString())
  })
})
