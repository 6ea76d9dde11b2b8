/** Findings in words: names, pauses and places as every rule writes them. */
import type { AnySequence, Rhythm } from '../plan/plan.ts'
import { formatDuration } from '../plan/units.ts'
import { toIso } from '../step/observation.ts'
import { showDuration } from '../step/quantity.ts'
import type { FlowPause } from './facts.ts'

const shown = 5

/** `a, b and c`; the rest is counted. */
export function listed(names: readonly string[]): string {
  const few = names.length > shown + 1 ? names.slice(0, shown) : names
  const rest = names.length - few.length
  const parts = rest > 0 ? [...few, `${rest} more`] : few
  return parts.length < 2
    ? parts.join('')
    : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`
}

/** `schedule nightly`. */
export const sequenceText = ({ kind, name }: Pick<AnySequence, 'kind' | 'name'>): string =>
  `${kind} ${name}`

/** `cron "0 2 * * *", Europe/Zurich`, `every 30 s`. */
export const rhythmText = (rhythm: Rhythm): string =>
  rhythm.kind === 'cron'
    ? `cron "${rhythm.line}", ${rhythm.timezone}`
    : `every ${showDuration(rhythm.everyMs)}`

/** How a pause comes about. */
export function pauseLines({
  between,
  lengthMs,
  jitterMs,
  worstMs,
  sequences,
}: FlowPause): string[] {
  return [
    ...sequences.map((each) => `${sequenceText(each)}: ${rhythmText(each.rhythm)}`),
    `longest pause: ${showDuration(lengthMs)}${
      between === undefined ? '' : `, from ${shortIso(between.from)} to ${shortIso(between.to)}`
    }`,
    ...(jitterMs === 0
      ? []
      : [
          `${formatDuration(lengthMs)} + ${formatDuration(jitterMs)} of jitter = ${formatDuration(worstMs)}`,
        ]),
  ]
}

/** To the minute. */
export const shortIso = (at: number): string => `${toIso(at).slice(0, 16)}Z`

/** `12 h > 15 min`. */
export const exceeds = (actualMs: number, wantedMs: number): string =>
  `${showDuration(actualMs)} > ${showDuration(wantedMs)}`
