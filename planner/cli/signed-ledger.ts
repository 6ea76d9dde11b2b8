/** Signatures in a ledger from which something is claimed, and what is made of those that are missing or wrong. */
import { isOperatingError, OperatingError } from '../../engine/index.ts'
import type { LedgerLine } from '../ledger/ledger-line.ts'
import type { LedgerProblem, LedgerProof } from '../ledger/ledger-reader.ts'
import type { SignedLines } from '../ledger/signatures.ts'
import type { Plan } from '../plan/plan.ts'
import { showCount } from '../step/quantity.ts'
import type { Context } from './context.ts'
import { shownPath } from './shown-path.ts'
import { trustedKeys } from './trusted-keys.ts'

/** Looks at each line of a ledger, first to last, where the plan signs it or somebody says whose signatures count. */
export interface SignedLedger {
  read(line: LedgerLine): void
  /**
   * What was proven, with a signature that does not fit as its problem; remarks are told.
   * @throws `signature-refused` when others than those who are trusted signed it
   */
  conclude<Proof extends LedgerProof>(proof: Proof): Promise<Proof>
}

/**
 * Without a key that can be read nothing is looked at, which is told: who audits need not have the plan's key.
 * @param trust `--trust`
 * @throws `key-refused` for a key that was named
 */
export async function openSignedLedger(
  context: Context,
  plan: Plan,
  trust: readonly string[] | undefined,
): Promise<SignedLedger | undefined> {
  if (trust === undefined && plan.ledger.signingKeyFile === undefined) return undefined
  const trusted = await trustedKeys(context, trust, plan).catch((error: unknown) => {
    if (trust !== undefined || !isOperatingError(error, 'key-refused')) throw error
    return undefined
  })
  if (trusted === undefined) {
    await context.remark(
      `remark: signatures of the ledger are not checked, as the plan's key cannot be read here; name its public half with --trust`,
    )
    return undefined
  }
  const { SignatureBook } = await import('../ledger/signatures.ts')
  const book = new SignatureBook(trusted)
  return {
    read: (line) => book.read(line),
    async conclude(proof) {
      const signed = book.signed()
      const problem = firstProblem(proof.problem, signed.problem)
      if (problem !== undefined) return { ...proof, problem }
      refuseUnsigned(proof.file, trusted, signed, trust !== undefined)
      const { unsignedRuns: unsigned } = signed
      const [first] = unsigned
      if (first !== undefined) {
        await context.remark(
          `remark: ${showCount(unsigned.length, 'run')} behind the first signature of ${shownPath(proof.file)} ended without one, the first is ${first.run} (line ${first.line})`,
        )
      }
      return proof
    },
  }
}

/** The one at the first line. */
export const firstProblem = (
  ...problems: readonly (LedgerProblem | undefined)[]
): LedgerProblem | undefined =>
  problems
    .filter((each): each is LedgerProblem => each !== undefined)
    .sort((a, b) => a.line - b.line)[0]

/**
 * Who names keys wants to know who wrote it.
 * @param isNamed whether somebody did, beside the plan
 * @throws `signature-refused`
 */
export function refuseUnsigned(
  file: string,
  trusted: readonly string[],
  { signatures, strangers }: SignedLines,
  isNamed: boolean,
): void {
  if (signatures > 0 || (!isNamed && strangers.length === 0)) return
  if (trusted.length === 0) return
  const who =
    strangers.length === 0 ? 'it is not signed' : `it is signed by ${strangers.join(', ')}`
  throw new OperatingError(
    'signature-refused',
    `no trusted key has signed ${file}: ${who}`,
    'Find out who wrote it, or name the key that may sign with --trust.',
    { place: { file } },
  )
}
