/**
 * Whether a server has the data of this command: the one that was named, or the one that says so in the lock
 * of the data directory.
 */
import { resolve } from 'node:path'
import { isOperatingError } from '../base/errors.ts'
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
