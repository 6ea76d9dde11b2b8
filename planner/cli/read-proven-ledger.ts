/** A ledger that something is claimed from must hold. */
import { fail } from '../../engine/index.ts'
import { type LedgerReading, readLedger } from '../ledger/ledger-reader.ts'
import type { Context } from './context.ts'

/** @throws `ledger-broken` naming the first line that does not fit */
export async function readProvenLedger(
  context: Context,
  plan: string,
  file: string,
): Promise<LedgerReading> {
  const reading = await readLedger(context.io.disk, file)
  for (const remark of reading.remarks) await context.remark(`remark: ${remark}`)
  const { problem } = reading
  if (problem === undefined) return reading
  return fail(
    'ledger-broken',
    `line ${problem.line} of ${file} does not fit: ${problem.reason}`,
    `Compare the file with a copy or a backup of it; "vectra-dr ledger show ${plan}" shows the lines before.`,
    { place: { file, line: problem.line } },
  )
}
