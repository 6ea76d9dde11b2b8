/** Artefacts that the ledger vouches for, as far as they lie in the state directory. */
import * as path from 'node:path'
import { type Disk, isOperatingError, sha256Hex } from '../../engine/index.ts'
import { refuseLinks } from '../ledger/durable-directory.ts'
import type { LedgerLine } from '../ledger/ledger-line.ts'
import { unfold } from '../ledger/sum.ts'
import { planLimits } from '../plan/limits.ts'

/** `runs/RUN/STAGE/STEP/NAME`: an entry is data, and names nothing outside of the state directory. */
const insideState = /^runs(\/(?!\.{1,2}(\/|$))[^/\\\0]+){4}$/

export interface EvidenceFile {
  readonly artefact: string
  readonly line: number
  readonly bytes: Buffer
  /** Whether it has the SHA-256 that the ledger says. */
  readonly fits: boolean
}

/** Artefacts by what lines say of them; a later line about the same one counts. */
export class EvidenceBook {
  readonly #wanted = new Map<string, { readonly sha256: string; readonly line: number }>()
  readonly #elsewhere = new Set<string>()

  read(line: LedgerLine): void {
    for (const entry of unfold(line)) {
      if (entry.kind !== 'step') continue
      for (const { artefact, sha256 } of entry.record.evidence) {
        if (insideState.test(artefact)) this.#wanted.set(artefact, { sha256, line: entry.line })
        else this.#elsewhere.add(artefact)
      }
    }
  }

  /** Those at destinations, and others that no file of the state directory stands for. */
  get elsewhere(): readonly string[] {
    return [...this.#elsewhere].sort()
  }

  /**
   * One by one, by name; undefined for one that is gone.
   * @throws `disk-refused` for a link on the way to it
   */
  async *files(
    disk: Disk,
    stateDirectory: string,
  ): AsyncGenerator<EvidenceFile | { readonly artefact: string; readonly bytes: undefined }> {
    for (const [artefact, { sha256, line }] of [...this.#wanted].sort(([a], [b]) =>
      a < b ? -1 : 1,
    )) {
      const file = path.join(stateDirectory, ...artefact.split('/'))
      await refuseLinks(disk, path.join(stateDirectory, 'runs'), path.dirname(file))
      const bytes = await readArtefact(disk, file)
      yield bytes === undefined
        ? { artefact, bytes }
        : { artefact, line, bytes, fits: sha256Hex(bytes) === sha256 }
    }
  }
}

async function readArtefact(disk: Disk, file: string): Promise<Buffer | undefined> {
  try {
    return await disk.readFile(file, planLimits.artefactBytes)
  } catch (error) {
    if (isOperatingError(error, 'file-not-found')) return undefined
    throw error
  }
}
