import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson, isCanonicalBytes, MiB, sha256Hex } from '../../../engine/index.ts'
import { encodeLine, maxLineBytes, startOfLedger } from '../../../planner/ledger/ledger-line.ts'
import { readLedger, walkLines } from '../../../planner/ledger/ledger-reader.ts'
import { linesFrom } from '../../../planner/ledger/line-chunks.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'

const file = '/ledger.jsonl'

async function diskWith(text: string): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const handle = await disk.open(file, 'create')
  await handle.write(Buffer.from(text), 0)
  await handle.close()
  return disk
}

interface Line {
  readonly text: string
  readonly complete: boolean
  readonly sha256: string
  readonly isCanonical: boolean
}

async function linesOf(disk: MemoryDisk, offset = 0): Promise<Line[]> {
  const handle = await disk.open(file, 'read')
  const lines: Line[] = []
  for await (const each of linesFrom(handle, offset)) {
    // their bytes are good now, and not later
    lines.push(...each.map(({ bytes, ...line }) => ({ ...line, text: bytes.toString() })))
  }
  await handle.close()
  return lines
}

/** The same without chunks and threads. */
function expected(text: string): Line[] {
  const parts = text.split('\n')
  const rest = parts.pop() ?? ''
  const lines = parts.map((each) => {
    const bytes = Buffer.from(each)
    const isCanonical = isCanonicalBytes(bytes)
    return { text: each, complete: true, sha256: sha256Hex(bytes), isCanonical }
  })
  if (rest === '') return lines
  return [...lines, { text: rest, complete: false, sha256: '', isCanonical: false }]
}

test('lines are those of the file, from any of them on, with their hashes', async () => {
  const text = fc.array(fc.constantFrom('{"a":1}', '{"ö":[]}', '{ }', '', 'x'), { maxLength: 9 })
  await fc.assert(
    fc.asyncProperty(text, fc.constantFrom('', '{"torn'), fc.nat(), async (lines, rest, skip) => {
      const all = lines.map((line) => `${line}\n`).join('') + rest
      const disk = await diskWith(all)
      expect(await linesOf(disk)).toEqual(expected(all))
      const from = lines.slice(0, skip % (lines.length + 1)).join('\n').length
      const offset = from === 0 ? 0 : from + 1
      const following = Buffer.from(all).subarray(offset).toString()
      expect(await linesOf(disk, offset)).toEqual(expected(following))
    }),
    { numRuns: 50 },
  )
})

test('a long file is proven in a thread, line for line as a short one', async () => {
  const long = (length: number, index: number) =>
    canonicalJson({ index, of: 'é'.repeat(Math.floor(length / 2)) })
  // shorter and longer than what is read at once, and one that begins where a read ends
  const sizes = [10, 700_000, 30, 1.1 * MiB, 2.5 * MiB, 5, MiB - 20, MiB, 3 * MiB, 100]
  const lines = sizes.map(long)
  const all = `${lines.with(7, `{"b":"${'x'.repeat(MiB)}","a":1}`).join('\n')}\n{"torn`
  expect(Buffer.byteLength(all)).toBeGreaterThan(8 * MiB)
  const read = await linesOf(await diskWith(all))
  expect(read).toEqual(expected(all))
  expect(read.filter(({ isCanonical }) => !isCanonical)).toHaveLength(2)
})

test('a line without end is handed on as it is', async () => {
  const [first] = await linesOf(await diskWith('x'.repeat(maxLineBytes + MiB)))
  expect(first).toMatchObject({ complete: true, isCanonical: false })
})

test('the first line of a long ledger that does not fit is named, and nothing behind it is handed on', async () => {
  const header = { plan: 'test', planSha256: 'a'.repeat(64), gitCommit: null, run: 'r1' }
  const lines: string[] = []
  let last = startOfLedger
  for (let count = 1; count <= 33; count++) {
    const details = { text: 'x'.repeat(0.25 * MiB) }
    const remark = { kind: 'remark', remark: `entry ${count}`, breaks: false, details } as const
    const { text, entry } = encodeLine(header, remark, last, '2026-11-27T00:00:00.000Z')
    lines.push(text)
    last = { line: entry.line, sha256: sha256Hex(text) }
  }
  const after = async (index: number, change: (line: string) => string) => {
    const changed = lines.with(index, change(lines[index] ?? ''))
    const seen: number[] = []
    const disk = await diskWith(`${changed.join('\n')}\n`)
    const { problem } = await walkLines(disk, file, ({ line }) => seen.push(line))
    expect(seen).toEqual(lines.slice(0, (problem?.line ?? 0) - 1).map((_, at) => at + 1))
    return problem
  }
  expect((await readLedger(await diskWith(`${lines.join('\n')}\n`), file)).last).toEqual(last)
  const spaced = (line: string) => line.replace('"kind":', '"kind": ')
  const form = 'it is not in the form in which entries are written'
  expect(await after(30, spaced)).toEqual({ line: 31, reason: form })
  const edited = await after(20, (line) => line.replace('entry', 'Entry'))
  expect(edited).toMatchObject({ line: 22, reason: expect.stringContaining('line 21') })
})
