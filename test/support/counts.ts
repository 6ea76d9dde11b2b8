/**
 * How much a run tried: kills, power cuts, failed calls, flipped bits, cut tails, mutated plans. Tests tell their counts;
 * the global set-up prints them as one table when the run ends.
 */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export const countedKinds = [
  'kill -9',
  'power cut',
  'failed call',
  'flipped bit',
  'cut tail',
  'mutated plan',
  'simulated cluster',
] as const

export interface Count {
  readonly kind: (typeof countedKinds)[number]
  /** What was done to what. */
  readonly what: string
  readonly count: number
  /** Repeats the run; undefined where nothing was random. */
  readonly seed?: number | undefined
}

const variable = 'VECTRA_COUNTS'

/** Adds a line to the table. Nothing happens when the test runs outside of a project with the set-up. */
export function tellCount(count: Count): void {
  const file = process.env[variable]
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(count)}\n`)
}

/** The lines of the table, a sum after each kind. */
export function countTable(counts: readonly Count[]): string {
  return countedKinds
    .flatMap((kind) => {
      const own = counts.filter((each) => each.kind === kind)
      if (own.length === 0) return []
      const rows = own.map(({ what, count, seed }) => {
        const seeded = seed === undefined ? '' : `  seed ${seed}`
        return `${kind.padEnd(12)} ${String(count).padStart(9)}  ${what}${seeded}`
      })
      const total = own.reduce((sum, { count }) => sum + count, 0)
      return [...rows.sort(), `${`${kind}, all`.padEnd(12)} ${String(total).padStart(8)}`]
    })
    .join('\n')
}

/** Global set-up, for vitest. Several projects of one run share the file; the first to end prints it. */
export function setup(): void {
  process.env[variable] ??= join(mkdtempSync(join(tmpdir(), 'vectra-dr-counts-')), 'counts.jsonl')
}

export function teardown(): void {
  const file = process.env[variable]
  if (file === undefined) return
  if (existsSync(file)) {
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    const counts = lines.map((line) => JSON.parse(line) as Count) // tellCount wrote them
    process.stdout.write(`\nwhat this run tried:\n${countTable(counts)}\n`)
  }
  rmSync(dirname(file), { recursive: true, force: true })
  delete process.env[variable]
}
