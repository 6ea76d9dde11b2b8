/** Numbers as people read them. */
import { GiB, KiB, MiB } from '../../engine/index.ts'

/** `40 ms`, `1.3 s`, `2 min 5 s`, `3 h 12 min`, `4 d 6 h`. */
export function showDuration(durationMs: number): string {
  if (durationMs < 1_000) return `${Math.round(durationMs)} ms`
  if (durationMs < 60_000 && durationMs % 1_000 !== 0) return `${(durationMs / 1_000).toFixed(1)} s`
  const seconds = Math.round(durationMs / 1_000)
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([value]) => value > 0)
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ')
}

/** To the minute, nothing left out: `2 d 39 min`; what is shorter as {@link showDuration} has it. */
export function showMinutes(durationMs: number): string {
  const minutes = Math.round(durationMs / 60_000)
  if (minutes < 60) return showDuration(durationMs)
  return (
    [
      [Math.floor(minutes / 1_440), 'd'],
      [Math.floor(minutes / 60) % 24, 'h'],
      [minutes % 60, 'min'],
    ] as const
  )
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ')
}

/** `812 B`, `1.4 KiB`, `33.0 MiB`. */
export function showBytes(bytes: number): string {
  if (bytes < KiB) return `${bytes} B`
  if (bytes < MiB) return `${(bytes / KiB).toFixed(1)} KiB`
  return bytes < GiB ? `${(bytes / MiB).toFixed(1)} MiB` : `${(bytes / GiB).toFixed(2)} GiB`
}

/** `1 point`, `2 points`. */
export const showCount = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? '' : 's'}`
