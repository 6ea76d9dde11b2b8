/** The contract of a renderer, and the words that all of them use. */
import type { ProgressEvent, Rate } from '../../engine/index.ts'
import type { StepTask } from '../compile/task.ts'
import { showBytes, showDuration } from '../step/quantity.ts'
import type { StageName, StepRecord } from '../step/record.ts'
import type { RunObserver } from './run-event.ts'

/** Where text is drawn or written. */
export interface Screen {
  write(text: string): void
  /** 0 when it is no terminal, or one that does not know its width. */
  readonly columns: number
  readonly rows: number
}

export interface Renderer {
  readonly observe: RunObserver
  /** Leaves the screen to somebody who asks something there. */
  aside<T>(act: () => Promise<T>): Promise<T>
  /** Draws the last state and gives the screen back. */
  close(): Promise<void>
}

export const stageTitles: Readonly<Record<StageName, string>> = {
  'steady-before': 'before: is the system steady?',
  steps: 'steps',
  'steady-after': 'after: is the system steady again?',
  undo: 'undo',
  always: 'clean-up',
}

/** `restore: Restore the newest snapshot …`. */
export const stepTitle = ({ id, description }: StepTask): string => `${id}: ${description.sentence}`

/** `upload: 12.0 MiB of 48.0 MiB (25 %), 6.0 MiB/s, 6.0 s left`. */
export function progressText({ phase, unit, done, total }: ProgressEvent, rate?: Rate): string {
  const show = (value: number) => (unit === 'bytes' ? showBytes(value) : String(value))
  const noun = unit === 'bytes' ? '' : ` ${unit}`
  const what = phase.replaceAll('-', ' ')
  const speed = rate === undefined ? '' : `, ${showBytes(Math.round(rate.bytesPerSecond))}/s`
  if (total === undefined || total === 0) return `${what}: ${show(done)}${noun}${speed}`
  const left = rate?.leftMs === undefined ? '' : `, ${showDuration(rate.leftMs)} left`
  const percent = Math.floor((100 * done) / total)
  return `${what}: ${show(done)} of ${show(total)}${noun} (${percent} %)${speed}${left}`
}

/** `1.2 s`, with the number of tries when there were several. */
export const timeText = ({ durationMs, attempts }: StepRecord): string =>
  attempts > 1 ? `${showDuration(durationMs)}, ${attempts} tries` : showDuration(durationMs)
