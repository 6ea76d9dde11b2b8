import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keepOutput, keptBytes } from '../../../engine/outside/output-keeper.ts'

const keep = (chunks: readonly Uint8Array[], redact = (text: string) => text) => {
  const lines: string[] = []
  const keeper = keepOutput(redact, (line) => lines.push(line))
  for (const chunk of chunks) keeper.add(chunk)
  keeper.end()
  return { lines, text: keeper.text(), totalBytes: keeper.totalBytes }
}

test('however the output is cut into chunks, the lines are the same', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }).map((s) => s.replace(/[\r\n]/g, ''))),
      fc.array(fc.nat({ max: 50 }), { minLength: 1 }),
      (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
        const chunks: Buffer[] = []
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = (cuts[i % cuts.length] ?? 0) + 1
          chunks.push(bytes.subarray(at, at + size))
          at += size
        }
        const kept = keep(chunks)
        expect(kept.lines).toEqual(lines)
        expect(kept.totalBytes).toBe(bytes.length)
      },
    ),
  )
})

test('what is kept is bounded, whatever comes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ length: fc.nat({ max: 40_000 }), end: fc.boolean() }), {
        maxLength: 40,
      }),
      (parts) => {
        const chunks = parts.map(({ length, end }) =>
          Buffer.from('z'.repeat(length) + (end ? '\n' : '')),
        )
        expect(Buffer.byteLength(keep(chunks).text)).toBeLessThanOrEqual(keptBytes + 100)
      },
    ),
    { numRuns: 50 },
  )
})

test('the secret that a cut line might show the beginning of is not shown', () => {
  const secret = 'swordfish-swordfish-swordfish'
  const long = 'a'.repeat(16 * 1024 - 10) + secret
  // the first chunk is longer than a line may be and ends inside the secret
  const kept = keep(
    [Buffer.from(long.slice(0, -5)), Buffer.from(`${long.slice(-5)}\nnext\n`)],
    (t) => t.replaceAll(secret, '***'),
  )
  expect(kept.text).not.toContain('sword')
  expect(kept.lines.at(-1)).toBe('next')
})

test('a last line without an end is a line, and CRLF ends one too', () => {
  expect(keep([Buffer.from('one\r\ntwo')]).lines).toEqual(['one', 'two'])
})
