/** What makes a line one of the chain besides its value: its SHA-256, and that it is in canonical form. */
import { isCanonicalBytes, sha256Hex } from '../../engine/index.ts'

export interface ProofTask {
  readonly bytes: Uint8Array
  /** Where each line ends; the next one begins behind the byte that stands there. */
  readonly ends: readonly number[]
}

/** Line by line. */
export interface LineProofs {
  /** Lower-case hex. */
  readonly sha256: readonly string[]
  readonly isCanonical: readonly boolean[]
}

export function proveLines({ bytes, ends }: ProofTask): LineProofs {
  const sha256: string[] = []
  const isCanonical: boolean[] = []
  let start = 0
  for (const end of ends) {
    const line = bytes.subarray(start, end)
    sha256.push(sha256Hex(line))
    isCanonical.push(isCanonicalBytes(line))
    start = end + 1
  }
  return { sha256, isCanonical }
}
