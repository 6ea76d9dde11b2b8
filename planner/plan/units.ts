/**
 * Durations and sizes as people write them: `30s 15m 1h30m 7d`, `64MiB`.
 *
 * A duration is a sequence of whole numbers with units, largest unit first, each unit once: there is
 * one way to read it. A size is one whole number with a unit; `KiB MiB GiB TiB` count in 1024,
 * `kB MB GB TB` in 1000.
 */
import { planLimits } from './limits.ts'
import { problem, type Reading, value } from './reading.ts'

const durationUnits = [
  ['w', 7 * 86_400_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const

const durationPattern = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/
const durationHint =
  'Write whole numbers with w, d, h, m, s or ms, the largest first: 30s 15m 1h30m 7d.'

/** Milliseconds; zero is a duration. */
export function readDuration(text: string): Reading<number> {
  const match = durationPattern.exec(text)
  if (match === null || text === '') return problem('is not a duration', durationHint)
  const ms = durationUnits.reduce(
    (sum, [, unitMs], index) => sum + Number(match[index + 1] ?? 0) * unitMs,
    0,
  )
  if (ms > planLimits.durationMs) {
    return problem('is longer than ten years', 'Write a duration of at most 3650d.')
  }
  return value(ms)
}

const frequencyUnitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 }

/** `20/s`: the pause between two, in milliseconds, with a fraction where it is needed. */
export function readFrequency(text: string): Reading<number> {
  const [, count = '', unit = ''] = /^(\d{1,5})\/([smh])$/.exec(text) ?? []
  const unitMs = frequencyUnitsMs[unit]
  if (unitMs === undefined || Number(count) === 0) {
    return problem('is not a frequency', 'Write a whole number and its unit: 20/s, 30/m or 1/h.')
  }
  const everyMs = unitMs / Number(count)
  return everyMs < 1 ? problem('is more than 1000/s', 'Write at most 1000/s.') : value(everyMs)
}

/** The duration as a plan would write it, exact: `1h30m`, `0s`. */
export function formatDuration(durationMs: number): string {
  let rest = Math.round(durationMs)
  const pieces = durationUnits.slice(1).map(([unit, unitMs]) => {
    const count = Math.floor(rest / unitMs)
    rest -= count * unitMs
    return count === 0 ? '' : `${count}${unit}`
  })
  return pieces.join('') || '0s'
}

const sizeUnits: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['kB', 1e3],
  ['MB', 1e6],
  ['GB', 1e9],
  ['TB', 1e12],
  ['KiB', 2 ** 10],
  ['MiB', 2 ** 20],
  ['GiB', 2 ** 30],
  ['TiB', 2 ** 40],
])

const sizeHint =
  'Write a whole number with KiB, MiB, GiB or TiB (1024), or kB, MB, GB or TB (1000): 64MiB.'

/** Bytes per second: a size and `/s`. */
export function readRate(text: string): Reading<number> {
  const size = text.endsWith('/s') ? readSize(text.slice(0, -2)) : undefined
  if (size === undefined || size.problem !== undefined) {
    return problem(
      'is not a rate',
      'Write a whole number with a unit, a second: 200MiB/s, 500kB/s.',
    )
  }
  return size.value === 0 ? problem('is no rate at all', 'Write a rate above zero: 1MiB/s.') : size
}

/** Bytes. */
export function readSize(text: string): Reading<number> {
  const match = /^(\d+)([A-Za-z]+)$/.exec(text)
  const unitBytes = sizeUnits.get(match?.[2] ?? '')
  if (match === null || unitBytes === undefined) return problem('is not a size', sizeHint)
  const bytes = Number(match[1]) * unitBytes
  if (!Number.isSafeInteger(bytes)) return problem('is larger than anything stored', sizeHint)
  return value(bytes)
}
