/** The operating system writes less than it was asked to: a process whose files may not grow any further. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openTest } from '../support/collections.ts'
import { tellCount } from '../support/counts.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const writer = fileURLToPath(new URL('./writer.mjs', import.meta.url))

test('case 29: a write that the system cuts short is never acknowledged in part', async () => {
  // under such a limit a write first stops short at it, and only the next one fails with EFBIG
  const limits = [5, 6, 7, 9, 12, 17]
  let acknowledgedBatches = 0
  for (const kib of limits) {
    const path = await temporaryDirectory()
    const script = `ulimit -f ${kib} && exec "$0" "$@"`
    const child = spawn('bash', ['-c', script, process.execPath, writer, path, '1'])
    const [[code], told, complaint] = await Promise.all([
      once(child, 'close') as Promise<[number | null, string | null]>, // its documented arguments
      text(child.stdout),
      text(child.stderr),
    ])
    expect(code, complaint).not.toBe(0)
    expect(complaint).toMatch(/EFBIG/)
    const numbers = (word: string, at: number) =>
      told
        .split('\n')
        .map((line) => line.split(' '))
        .filter((words) => words[0] === word)
        .map((words) => Number(words[at]))
    const acknowledged = numbers('A', 2)
    const deleting = numbers('d', 1)
    acknowledgedBatches += acknowledged.length
    const data = await openTest(path)
    const items = await data.open('items')
    expect(await items.proveDigest()).toBe(items.digest)
    const found = new Map<number, number>()
    for await (const { metadata } of items.points()) {
      const batch = Number(metadata['batch'])
      found.set(batch, (found.get(batch) ?? 0) + 1)
    }
    for (const [batch, points] of found) expect(points, `batch ${batch} is whole`).toBe(5)
    for (const batch of acknowledged) {
      if (!deleting.includes(batch)) expect(found.has(batch), `batch ${batch}`).toBe(true)
    }
    for (const batch of numbers('D', 1)) expect(found.has(batch), `batch ${batch}`).toBe(false)
    await items.upsert([{ id: 'after', vector: Array.from({ length: 16 }, () => 1) }])
    await data.close()
  }
  tellCount({ kind: 'failed call', what: 'a write cut short by the system', count: limits.length })
  expect(acknowledgedBatches).toBeGreaterThan(limits.length)
})
