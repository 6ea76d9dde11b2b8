/**
 * Identity: which collection, and which of its histories.
 *
 * A collection keeps its UUID for life. An epoch is a number plus a random history id: promotion and
 * restore start a new one, so that two restores of one snapshot never mix, although both count on
 * from the same number.
 */
import { randomBytes, randomUUID } from 'node:crypto'

export interface Epoch {
  /** 1 for a new collection; one higher for each new history. */
  readonly number: number
  /** 8 random bytes, lower-case hex. */
  readonly history: string
}

export interface Identity {
  readonly uuid: string
  readonly epoch: Epoch
}

export const UUID_BYTES = 16
export const HISTORY_BYTES = 8

export const newUuid = (): string => randomUUID()

/** An epoch with a history of its own: two of one number are never taken for each other. */
export const newEpoch = (number: number): Epoch => ({
  number,
  history: randomBytes(HISTORY_BYTES).toString('hex'),
})

export const uuidToBytes = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex')

/** `<number>-<history>`: the path element of an epoch, in data directories and repositories. */
export const epochName = (epoch: Epoch): string =>
  `${String(epoch.number).padStart(6, '0')}-${epoch.history}`
