/** Case 13: every single bit of a small file flipped, one after the other, and what became of it. */
import { afterAll, expect } from 'vitest'
import { isOperatingError } from '../../../engine/base/errors.ts'
import { tellCount } from '../../support/counts.ts'

const rows: string[] = []

/** Call once at the top of a test file: prints what was swept in it. */
export const printSweeps = (): void =>
  afterAll(() => {
    console.log(['case 13, every bit flipped:', ...rows].join('\n  '))
  })

/**
 * Flips each bit of `good` in turn. `decode` must throw damage that names `file`, or give what it gives
 * for the good bytes: then the bit is harmless, and the table says which bytes hold such bits.
 * @returns the bytes with harmless bits
 */
export function flipEveryBit(
  what: string,
  file: string,
  good: Uint8Array,
  decode: (bytes: Buffer) => unknown,
): readonly number[] {
  const expected = decode(Buffer.from(good))
  const codes = new Map<string, number>()
  const harmless = new Set<number>()
  for (let bit = 0; bit < 8 * good.length; bit++) {
    const bytes = Buffer.from(good)
    const at = bit >> 3
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (bit & 7)), at)
    let decoded: unknown
    try {
      decoded = decode(bytes)
    } catch (error) {
      if (!isOperatingError(error)) throw error
      const named = error.exitCode === 13 && error.place.file === file && error.hint !== ''
      if (!named || !error.message.includes(file)) {
        expect.fail(`bit ${bit}: ${error.code}, ${error.message}`)
      }
      codes.set(error.code, (codes.get(error.code) ?? 0) + 1)
      continue
    }
    expect(decoded, `bit ${bit}`).toEqual(expected)
    harmless.add(at)
  }
  tellCount({ kind: 'flipped bit', what, count: 8 * good.length })
  const found = [...codes].map(([code, count]) => `${count} ${code}`).join(', ')
  const list = harmless.size === 0 ? 'none' : `bytes ${[...harmless].join(' ')}`
  rows.push(`${what}: ${8 * good.length} bits: ${found || 'none detected'}; harmless: ${list}`)
  return [...harmless]
}
