/** Real processes, really killed: `kill -9` at a random moment of writing, over and over. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../engine/base/clock.ts'
import { openTest } from '../support/collections.ts'
import { tellCount } from '../support/counts.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const writer = fileURLToPath(new URL('./writer.mjs', import.meta.url))
const kills = Number(process.env['VECTRA_KILLS'] ?? 262)
/** Writers that are killed side by side, each with a directory of its own. */
const lanes = 2
/** After so many kills a lane goes on in a new directory: looking through an old one takes ever longer. */
const killsOfDirectory = 44

interface Heard {
  readonly acknowledged: Set<number>
  readonly deleting: Set<number>
  readonly deleted: Set<number>
  highest: number
}

/** Runs the writer, kills it `afterMs` after it is ready, and notes what it said before. */
async function writeAndKill(path: string, heard: Heard, afterMs: number): Promise<void> {
  const child = spawn(process.execPath, [writer, path, String(heard.highest + 1)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let rest = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const [word, first, second] = line.split(' ')
      if (word === 'R') setTimeout(() => child.kill('SIGKILL'), afterMs)
      if (word === 'A') heard.acknowledged.add(Number(second))
      if (word === 'd') heard.deleting.add(Number(first))
      if (word === 'D') heard.deleted.add(Number(first))
    }
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null] // its documented arguments
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' })
  // the writer goes on four batches beyond what it told
  heard.highest = Math.max(heard.highest, ...heard.acknowledged) + 8
}

describe('a writer that is killed', () => {
  test(`case 1: loses nothing it acknowledged and keeps nothing by half, ${kills} kills`, {
    timeout: 60_000 + 1_000 * kills,
  }, async () => {
    const seed = 20261123
    const lane = async (first: number) => {
      const results: LaneResult[] = []
      for (let kill = first * killsOfDirectory; kill < kills; kill += lanes * killsOfDirectory) {
        const count = Math.min(killsOfDirectory, kills - kill)
        results.push(await killOver(await temporaryDirectory(), seed + kill, count))
      }
      return results
    }
    const results = (await Promise.all(Array.from({ length: lanes }, (_, i) => lane(i)))).flat()
    const acknowledged = results.reduce((sum, each) => sum + each.acknowledged, 0)
    expect(results.reduce((sum, each) => sum + each.kills, 0)).toBe(kills)
    const slowestOpenMs = Math.max(...results.map((each) => each.slowestOpenMs))
    console.log(
      `kill -9 of a writer: ${kills} kills in ${lanes} lanes, seed ${seed}, ${acknowledged} batches acknowledged, slowest restart ${slowestOpenMs.toFixed(0)} ms`,
    )
    tellCount({ kind: 'kill -9', what: 'a writer', count: kills, seed })
    expect(acknowledged).toBeGreaterThan(kills)
    expect(slowestOpenMs).toBeLessThan(5000)
  })
})

interface LaneResult {
  readonly kills: number
  readonly acknowledged: number
  readonly slowestOpenMs: number
}

/** Kills a writer over one directory again and again; checks what it left each time. */
async function killOver(path: string, seed: number, count: number): Promise<LaneResult> {
  const random = seededRandom(seed)
  const heard: Heard = {
    acknowledged: new Set(),
    deleting: new Set(),
    deleted: new Set(),
    highest: 0,
  }
  let slowestOpenMs = 0
  for (let kill = 0; kill < count; kill++) {
    await writeAndKill(path, heard, 5 + random.integer(120))
    const start = systemClock.monotonicMs()
    const data = await openTest(path)
    if (!data.has('items')) continue // killed before the collection was there
    const items = await data.open('items')
    slowestOpenMs = Math.max(slowestOpenMs, systemClock.monotonicMs() - start)
    expect(await items.proveDigest()).toBe(items.digest)
    const batches = new Map<number, number>()
    for await (const point of items.points()) {
      const batch = Number(point.metadata['batch'])
      batches.set(batch, (batches.get(batch) ?? 0) + 1)
    }
    for (const [batch, points] of batches) expect(points, `batch ${batch} is whole`).toBe(5)
    for (const batch of heard.acknowledged) {
      if (!heard.deleting.has(batch))
        expect(batches.has(batch), `batch ${batch} was acknowledged`).toBe(true)
    }
    for (const batch of heard.deleted) {
      expect(batches.has(batch), `batch ${batch} was deleted`).toBe(false)
    }
    const { digest } = items
    await data.close()
    const again = await openTest(path)
    expect((await again.open('items')).digest, 'a second start changes nothing').toBe(digest)
    await again.close()
  }
  return { kills: count, acknowledged: heard.acknowledged.size, slowestOpenMs }
}
