/**
 * What the signatures in a ledger prove, read line by line behind the chain.
 *
 * A signature by a trusted key covers its line and all before it. That a *run* is one of whoever has the key
 * says only its own signature: somebody who rewrites the end of a ledger leaves runs without one, also
 * when a later run signs above them.
 */
import type { Signature, SignatureCheck } from '../../engine/index.ts'
import { checkSignature } from '../../engine/operations.ts'
import { type LedgerLine, type LedgerSignature, signedBytes } from './ledger-line.ts'
import type { LedgerProblem } from './ledger-reader.ts'

export interface SignedLines {
  /** Signatures by trusted keys. */
  readonly signatures: number
  /** The last line that one of them covers; 0 when there is none. */
  readonly throughLine: number
  /** Of the keys that signed and that nobody named as trusted. */
  readonly strangers: readonly string[]
  /** Runs behind the first signature that ended and were not signed by a trusted key: their last lines. */
  readonly unsignedRuns: readonly { readonly run: string; readonly line: number }[]
  /** A signature that does not fit, at the first line that has one. */
  readonly problem?: LedgerProblem
}

export class SignatureBook {
  readonly #trusted: readonly string[]
  readonly #strangers = new Set<string>()
  /** Runs that ended and are not signed yet. */
  readonly #ended = new Map<string, number>()
  #signatures = 0
  #throughLine = 0
  #problem: LedgerProblem | undefined

  /** @param trusted public keys; with none, every signature is a stranger's */
  constructor(trusted: readonly string[]) {
    this.#trusted = trusted
  }

  /** The next proven entry. */
  read(entry: LedgerLine): void {
    if (entry.kind === 'run-ended' || entry.kind === 'runs-summed')
      this.#ended.set(entry.run, entry.line)
    if (entry.kind !== 'signature') return
    const { status } = this.#check(entry)
    if (status === 'wrong') {
      this.#problem ??= { line: entry.line, reason: 'its signature does not fit what it signs' }
    } else if (status === 'trusted') {
      // before the first one nobody promised any
      if (this.#signatures === 0) this.#ended.clear()
      this.#signatures += 1
      this.#throughLine = entry.line
      this.#ended.delete(entry.run)
    } else {
      this.#strangers.add(entry.publicKey)
    }
  }

  #check({ signature, publicKey, ...unsigned }: LedgerSignature): SignatureCheck {
    const given: Signature = { publicKey, signature }
    const bytes = signedBytes({ ...unsigned, publicKey })
    return checkSignature('ledger', bytes, given, { publicKeys: this.#trusted })
  }

  signed(): SignedLines {
    return {
      signatures: this.#signatures,
      throughLine: this.#throughLine,
      strangers: [...this.#strangers],
      unsignedRuns:
        this.#signatures === 0 ? [] : [...this.#ended].map(([run, line]) => ({ run, line })),
      ...(this.#problem && { problem: this.#problem }),
    }
  }
}
