/** Whose signatures in a ledger count. */
import { fail, isOperatingError } from '../../engine/index.ts'
import type { Plan } from '../plan/plan.ts'
import type { Context } from './context.ts'

/**
 * Public keys whose signatures count: those that are named, else the plan's.
 * @throws `key-refused` when the plan's key cannot be read and no other is named
 */
export async function trustedKeys(
  { io }: Context,
  trust: readonly string[] | undefined,
  plan?: Plan,
): Promise<readonly string[]> {
  const { readPublicKey, readSigner } = await import('../../engine/operations.ts')
  if (trust !== undefined) {
    return Promise.all(trust.map((each) => readPublicKey(each, io.disk)))
  }
  const file = plan?.ledger.signingKeyFile
  if (file === undefined) return []
  try {
    return [(await readSigner(file, io.disk)).publicKey]
  } catch (error) {
    if (!isOperatingError(error, 'key-refused')) throw error
    return fail('key-refused', error.message, 'Name the public half of the key with --trust.', {
      place: { file },
    })
  }
}
