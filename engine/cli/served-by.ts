/**
 * Whether a server has the data of this command: the one that was named, or the one that says so in the lock
 * of the data directory.
 */
import { resolve } from 'node:path'
import { fail, isOperatingError } from '../base/errors.ts'
import type { VectraClient } from '../server/client.ts'
import type { Context } from './context.ts'

/** Who speaks to that server; undefined when the directory is opened here. */
export async function servedBy(context: Context): Promise<VectraClient | undefined> {
  const { io, token, data } = context
  const endpoint = context.endpoint ?? (await announced(context, data))
  if (endpoint === undefined) return undefined
  const { VectraClient } = await import('../server/client.ts')
  return new VectraClient({ endpoint, token, signal: io.signal })
}

async function announced({ io }: Context, data: string): Promise<string | undefined> {
  const { servedAddress } = await import('../collection/directory-lock.ts')
  try {
    return await servedAddress(io.disk, resolve(data))
  } catch (error) {
    if (isOperatingError(error)) return undefined // opening the directory tells it
    throw error
  }
}

/** @throws `not-offered` when a server has the data: this command needs the files */
export async function refuseServed(context: Context): Promise<void> {
  const client = await servedBy(context)
  if (client === undefined) return
  fail(
    'not-offered',
    `this command needs the data directory itself, which the server at ${client.endpoint} has`,
    'Stop the server, run the command on its machine, and start it again.',
  )
}
