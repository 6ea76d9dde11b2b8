/** What earlier runs measured, out of the ledger, for estimates. */
import type { LedgerEntry } from '../ledger/ledger-line.ts'
import type { History } from '../step/estimate.ts'

/** Of one schedule or drill of one plan. Pure. */
export function historyOf(
  entries: readonly LedgerEntry[],
  plan: string,
  sequence: { readonly kind: string; readonly name: string },
): History {
  const book = new HistoryBook()
  for (const entry of entries) if (entry.plan === plan) book.read(entry)
  return book.of(sequence)
}

/** Older ones say little about today's data. */
const kept = 20

/** What a {@link HistoryBook} remembers; JSON. */
export interface KnownHistory {
  /** Sequences of the runs that have no end yet, by run. */
  readonly open: readonly (readonly [string, string])[]
  /** Milliseconds, oldest first, by sequence, kind and step. */
  readonly durationsMs: readonly (readonly [string, readonly number[]])[]
}

/** The same of all sequences of one plan, entry by entry. */
export class HistoryBook {
  readonly #open: Map<string, string>
  readonly #durations: Map<string, number[]>

  constructor({ open, durationsMs }: KnownHistory = { open: [], durationsMs: [] }) {
    this.#open = new Map(open)
    this.#durations = new Map(durationsMs.map(([key, known]) => [key, [...known]]))
  }

  read(entry: LedgerEntry): void {
    if (entry.kind === 'run-started') this.#open.set(entry.run, nameOf(entry.sequence))
    if (entry.kind === 'run-ended') this.#open.delete(entry.run)
    const sequence = this.#open.get(entry.run)
    if (entry.kind !== 'step' || sequence === undefined) return
    const { step, kind, outcome, durationMs, interrupted } = entry.record
    // what was taken up again half-way says nothing about how long all of it takes
    if (outcome !== 'passed' || interrupted !== undefined) return
    const key = `${sequence}/${kind}/${step}`
    const known = this.#durations.get(key)
    if (known === undefined) this.#durations.set(key, [durationMs])
    else if (known.push(durationMs) > kept) known.shift()
  }

  of(sequence: { readonly kind: string; readonly name: string }): History {
    return {
      durationsMs: (step, kind) => this.#durations.get(`${nameOf(sequence)}/${kind}/${step}`) ?? [],
    }
  }

  known(): KnownHistory {
    return { open: [...this.#open], durationsMs: [...this.#durations] }
  }
}

const nameOf = ({ kind, name }: { readonly kind: string; readonly name: string }): string =>
  `${kind}/${name}`
