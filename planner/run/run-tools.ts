/** What a run works with, handed in: the world, and who watches. */
import type { Clock, Disk, Timer } from '../../engine/index.ts'
import type { LedgerBody, RunHeader } from '../ledger/ledger-line.ts'
import type { Asking } from '../step/asking.ts'
import type { Repositories } from '../target/repositories.ts'
import type { TargetAdapter } from '../target/target.ts'
import type { Recovery } from './recovery.ts'
import type { RunObserver } from './run-event.ts'

export interface RunTools {
  readonly disk: Disk
  readonly clock: Clock
  readonly timer: Timer
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Absolute. Artefacts go below it. */
  readonly stateDirectory: string
  readonly target: (name: string) => TargetAdapter
  readonly repositories: Repositories
  readonly ledger: { append(header: RunHeader, body: LedgerBody): Promise<unknown> }
  /** How people are asked. */
  readonly asking: Asking
  /** Masks the values of the plan's secrets. */
  readonly redact: (text: string) => string
  readonly observe: RunObserver
  /** The first wish to stop: the steps end, the clean-up runs. The reason is an operating error. */
  readonly stopSignal: AbortSignal
  /** The second: whatever runs is killed, the clean-up too. */
  readonly forceSignal: AbortSignal
}

/** Which run it is. */
export interface RunRequest {
  readonly header: RunHeader
  /** When the run was due: what `${date}` and `${time}` mean. */
  readonly dueAt: number
  /** Of a procedure. */
  readonly recovery?: Recovery
  /** Version of this program, for the ledger. */
  readonly version: string
}
