/**
 * The log that an open collection goes on writing: its own writes (wal-writer.ts), or, on a standby, the
 * records of its primary as they are (log-follower.ts).
 */
import type { Durability } from '../format/config.ts'
import type { Operation } from '../format/operation.ts'
import type { Commit } from './log-group.ts'
import type { LogPosition } from './replay.ts'

export interface LogWriter {
  /** After the newest applied record. */
  readonly position: LogPosition
  /** After the newest durable record. */
  readonly durable: LogPosition
  /** The current file and its length in durable bytes. */
  readonly tail: { readonly file: string; readonly offset: number }
  /** Logs one operation. @throws `not-primary` where records come from another node */
  append(operation: Operation): Promise<Commit>
  /** Runs `work` while no record is in flight: everything before is applied. */
  between<T>(work: () => Promise<T>): Promise<T>
  /** Makes everything acknowledged durable. Only inside {@link between}. */
  sync(): Promise<void>
  /** Starts a new file. Only inside {@link between}. An empty file is kept as it is. */
  rotate(): Promise<void>
  changeDurability(durability: Durability): Promise<void>
  /** Waits for what is under way, makes it durable and closes the file. */
  close(): Promise<void>
}
