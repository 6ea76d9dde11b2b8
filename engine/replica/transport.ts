/**
 * How one node asks another one: bytes out, bytes back. HTTP carries them between processes; a simulation
 * carries them over virtual time, with the faults of its choice. Nothing else in this folder knows how.
 */
import type { JsonObject } from '../base/canonical-json.ts'
import { fail, fromSerialised, isOperatingError, type SerialisedError } from '../base/errors.ts'
import type { NodeAddress } from '../collection/replica-file.ts'
import { Fields } from '../format/fields.ts'
import { decodeMessage, encodeMessage } from '../format/message-frame.ts'

export interface Transport {
  /**
   * Sends a message to the node and gives its answer. It settles within bounds of its own.
   * @throws `unreachable` when there is none: the message may have arrived all the same
   */
  send(to: NodeAddress, message: Buffer, options: SendOptions): Promise<Buffer>
}

export interface SendOptions {
  /** How long the other side may take to answer. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

export interface Answer {
  readonly fields: Fields
  readonly header: JsonObject
  readonly body: Buffer
}

/** What a node answers: a header, and bytes where there are any. */
export interface Reply {
  readonly header: object
  readonly body?: Buffer
}

/**
 * Asks `to`.
 * @throws `unreachable`, `damaged` when the answer did not arrive whole, and whatever the other node threw
 */
export async function ask(
  transport: Transport,
  to: NodeAddress,
  kind: string,
  header: object,
  options: SendOptions,
): Promise<Answer> {
  const bytes = await transport.send(to, encodeMessage({ ...header, kind }), options)
  const answer = decodeMessage(bytes, to.name)
  const { error } = answer.header
  // only a node of ours puts its errors in there, as it serialised them
  if (error !== undefined) throw fromSerialised(error as unknown as SerialisedError)
  const fields = new Fields(answer.header, `the answer of ${to.name}`)
  return { ...answer, fields }
}

/** Answers one message with `handle`; its operating errors travel back. */
export async function answer(
  message: Buffer,
  handle: (kind: string, fields: Fields) => Promise<Reply>,
): Promise<Buffer> {
  try {
    const { header } = decodeMessage(message, 'another node')
    const fields = new Fields(header, 'the request of another node')
    const reply = await handle(fields.text('kind'), fields)
    return encodeMessage(reply.header, reply.body)
  } catch (error) {
    if (!isOperatingError(error)) throw error
    return encodeMessage({ error: error.toJSON() })
  }
}

/** @throws `usage`, always */
export const failUnknown = (kind: string): never =>
  fail('usage', `no node answers ${JSON.stringify(kind)}`, 'Bring both nodes to the same version.')
