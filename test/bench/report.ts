/** What every benchmark prints: where and when it ran, and a table whose rows are ratios. */
import { cpus, totalmem } from 'node:os'

/** Machine, node, date and the command line, for BENCHMARKS.md. */
export function describeRun(): string {
  const processors = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}`
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  const now = new Date().toISOString().slice(0, 16).replace('T', ' ')
  const command = process.argv.slice(2).join(' ')
  const name = /([a-z-]+)\.ts$/.exec(process.argv[1] ?? '')?.[1] ?? ''
  return `${name} ${command}\n${processors}, ${memory}, ${process.platform}, node ${process.version}, ${now} UTC`
}

/** A Markdown table: the first row is the head. */
export function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n')
}

/** The middle one; of an even number the upper of the two in the middle. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** `4.2 ×` */
export const times = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 2 : 0)} ×`

/** Thousands of a second, or seconds from ten on. */
export const duration = (ms: number): string =>
  ms < 10_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`

/** `12,345` a second */
export const rate = (count: number, ms: number): string =>
  `${Math.round((1000 * count) / ms).toLocaleString('en')} / s`

/** How long `work` takes, and what it gave. */
export async function timed<T>(work: () => T | Promise<T>): Promise<{ ms: number; value: T }> {
  const start = performance.now()
  const value = await work()
  return { ms: performance.now() - start, value }
}
