/**
 * What the command touches of the world, handed in by `main.ts` and by tests: streams, environment,
 * clock, disk and the wish to stop.
 */
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Timer } from '../base/timer.ts'

export interface Output {
  /** Resolves when the bytes left the process. Once the reader has gone, does nothing. */
  write(data: string | Uint8Array): Promise<void>
  /** Whether the reader has gone (EPIPE). */
  readonly closed: boolean
  readonly isTerminal: boolean
  /** Width of the terminal in characters; 0 when unknown. */
  readonly columns: number
}

export interface Io {
  /** Results. */
  readonly stdout: Output
  /** Progress, remarks, errors. */
  readonly stderr: Output
  readonly stdin: AsyncIterable<Uint8Array>
  /** Somebody reads standard error and types at standard input: nobody is asked otherwise. */
  readonly isAttended?: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly disk: Disk
  /** Default: the system's. */
  readonly timer?: Timer
  /** Given when the command shall stop; its reason is the operating error to end with. */
  readonly signal: AbortSignal
}
