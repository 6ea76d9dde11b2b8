/** A ledger that something is claimed from must hold. */
import { fail } from '../../engine/index.ts'
import { type LedgerProof, type LedgerReading, readLedger } from '../ledger/ledger-reader.ts'
import type { Context } from './context.ts'

/** @throws `ledger-broken` naming the first line that does not fit */
export const readProvenLedger = async (
  context: Context,
  plan: string,
  file: string,
): Promise<LedgerReading> => proven(context, plan, await readLedger(context.io.disk, file))

/**
 * What was read, when it holds; remarks are told.
 * @throws `ledger-broken` naming the first line that does not fit
 */
export async function proven<Reading extends LedgerProof>(
  context: Context,
  plan: string,
  reading: Reading,
): Promise<Reading> {
  const { file, problem, remarks } = reading
  for (const remark of remarks) await context.remark(`remark: ${remark}`)
  if (problem === undefined) return reading
  return fail(
    'ledger-broken',
    `line ${problem.line} of ${file} does not fit: ${problem.reason}`,
    `Compare the file with a copy or a backup of it; "vectra-dr ledger show ${plan}" shows the lines before.`,
    { place: { file, line: problem.line } },
  )
}
