/**
 * What the command touches of the world, handed in by `main.ts` and by tests: streams, environment,
 * clocks, disk and the wishes to stop.
 */
import type { Clock, Disk, Timer } from '../../engine/index.ts'

export interface Output {
  /** Resolves when the bytes left the process. Once the reader has gone, does nothing. */
  write(data: string): Promise<void>
  readonly isTerminal: boolean
  /** Size of the terminal in characters; 0 when unknown. */
  readonly columns: number
  readonly rows: number
}

export interface Io {
  /** Results. */
  readonly stdout: Output
  /** Progress, remarks, errors. */
  readonly stderr: Output
  /**
   * Asks a person at the terminal; absent where there is nobody to ask. Undefined: the input has ended, as it does
   * with Ctrl-D. Rejects at either signal.
   */
  readonly ask?: (question: string, signal?: AbortSignal) => Promise<string | undefined>
  /** Calls `act` at each SIGHUP, which ends the process otherwise. @returns what undoes that */
  readonly onHangUp?: (act: () => void) => () => void
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly timer: Timer
  readonly disk: Disk
  /** The first wish to stop; its reason is the operating error to end with. */
  readonly stopSignal: AbortSignal
  /** The second. */
  readonly forceSignal: AbortSignal
}
