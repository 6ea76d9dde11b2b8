import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readLines } from '../../../engine/transfer/line-reader.ts'
import { bytesSource, collect, cutAt, cuts } from './bytes.ts'

const read = (text: string | Uint8Array, maxBytes?: number) =>
  collect(readLines(bytesSource('in', [Buffer.from(text)]), maxBytes))

describe('readLines', () => {
  it('yields the same lines wherever the stream is cut', async () => {
    const line = fc
      .string({ unit: 'grapheme', maxLength: 20 })
      .map((text) => text.replace(/[\n\r\uFEFF]/g, ''))
    await fc.assert(
      fc.asyncProperty(fc.array(line), cuts, fc.boolean(), async (lines, places, ended) => {
        const bytes = Buffer.from(lines.join('\n') + (ended ? '\n' : ''))
        const found = await collect(readLines(bytesSource('in', cutAt(bytes, places))))
        const expected = lines.flatMap((text, index) =>
          text.trim() === '' ? [] : [{ number: index + 1, text }],
        )
        expect(found.map(({ number, text }) => ({ number, text }))).toEqual(expected)
      }),
    )
  })

  it('takes CRLF, a byte order mark and a last line without an end', async () => {
    const lines = await read('\uFEFFone\r\n\r\ntwo')
    expect(lines.map(({ number, text }) => [number, text.trim()])).toEqual([
      [1, 'one'],
      [3, 'two'],
    ])
  })

  it('refuses a line beyond the bound before it is complete', async () => {
    async function* endless() {
      for (;;) yield Buffer.alloc(100, 'x')
    }
    const source = { ...bytesSource('in', []), chunks: endless }
    await expect(collect(readLines(source, 1_000))).rejects.toMatchObject({
      code: 'invalid-input-file',
      message: 'in line 1: the line is longer than 1000 bytes',
      place: { file: 'in', line: 1 },
    })
  })

  it('names the line that is not UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from('one\n'), Buffer.from([0xc3, 0x28, 0x0a])])
    await expect(read(bytes)).rejects.toMatchObject({ place: { line: 2 } })
  })
})
