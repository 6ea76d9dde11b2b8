/**
 * Progress on standard error: on a terminal one line that is drawn over, elsewhere a plain line now and
 * then, and none at all for work that is done within seconds.
 */
import type { Clock } from '../base/clock.ts'
import type { Progress, ProgressEvent } from '../base/progress.ts'
import { ProgressRate, type Rate } from '../base/progress-rate.ts'
import type { Output } from './io.ts'
import { showBytes, showDuration } from './quantity.ts'

const redrawMs = 100
const plainEveryMs = 10_000

export interface ProgressLine {
  readonly report: Progress
  /** Takes the drawn line away; called before anything else is written. */
  clear(): Promise<void>
}

/** Draws on `output` as it fits: over itself on a terminal of known width, else sparse plain lines. */
export function createProgressLine(output: Output, clock: Clock): ProgressLine {
  const drawing = output.isTerminal && output.columns > 0
  const everyMs = drawing ? redrawMs : plainEveryMs
  let lastMs = clock.monotonicMs()
  let drawn = 0
  const rates = new ProgressRate(clock)

  const draw = (text: string) => {
    const line = text.slice(0, output.columns - 1)
    // spaces over what was longer: no escape codes needed
    const written = `\r${line.padEnd(drawn)}`
    drawn = line.length
    return output.write(line === '' ? `${written}\r` : written)
  }
  return {
    report(event) {
      const nowMs = clock.monotonicMs()
      const rate = rates.note(event)
      if (nowMs - lastMs < everyMs) return
      lastMs = nowMs
      const text = describeProgress(event, rate)
      // a progress line that cannot be written is no reason to stop the work
      void (drawing ? draw(text) : output.write(`${text}\n`)).catch(() => {})
    },
    async clear() {
      if (drawn > 0) await draw('')
    },
  }
}

/** `upload: 12.0 MiB of 48.0 MiB (25 %), 6.0 MiB/s, 6.0 s left`. */
export function describeProgress({ phase, unit, done, total }: ProgressEvent, rate?: Rate): string {
  const show = (value: number) => (unit === 'bytes' ? showBytes(value) : String(value))
  const what = phase.replaceAll('-', ' ')
  const noun = unit === 'bytes' ? '' : ` ${unit}`
  const speed = rate === undefined ? '' : `, ${showBytes(Math.round(rate.bytesPerSecond))}/s`
  if (total === undefined || total === 0) return `${what}: ${show(done)}${noun}${speed}`
  const left = rate?.leftMs === undefined ? '' : `, ${showDuration(rate.leftMs)} left`
  const percent = Math.floor((100 * done) / total)
  return `${what}: ${show(done)} of ${show(total)}${noun} (${percent} %)${speed}${left}`
}
