/** The newest look at each standby: what a step `wait: { lag }` that passed left in the ledger. Pure. */
import { isJsonObject, type JsonValue } from '../../engine/index.ts'
import type { LedgerEntry } from '../ledger/ledger-line.ts'
import { readInstant } from '../step/observation.ts'
import type { StepRecord } from '../step/record.ts'

/** How far a standby was behind when it was looked at; JSON. */
export interface LastLook {
  readonly collection: string
  readonly target: string
  /** When it was asked, epoch milliseconds. */
  readonly at: number
  /** Since the moment at which it had everything. */
  readonly seconds: number
  /** What it lacked; null: not told. */
  readonly records: number | null
  readonly bytes: number | null
  readonly lsn: number
}

/** Of the plan named `plan`, in the order in which they were first looked at. */
export function lastLooks(plan: string, entries: readonly LedgerEntry[]): readonly LastLook[] {
  const book = new LookBook()
  for (const entry of entries) {
    if (entry.plan === plan && entry.kind === 'step') book.read(entry.record)
  }
  return book.known()
}

/** The same, step by step; {@link LookBook.known} is all that it remembers. */
export class LookBook {
  readonly #looks: Map<string, LastLook>

  constructor(known: readonly LastLook[] = []) {
    this.#looks = new Map(known.map((each) => [keyOf(each), each]))
  }

  known(): readonly LastLook[] {
    return [...this.#looks.values()]
  }

  read({ kind, outcome, inputs, outputs, endedAt }: StepRecord): void {
    const { collection } = inputs
    const { lag, lookedAt } = outputs
    if (kind !== 'wait' || outcome !== 'passed' || typeof collection !== 'string') return
    if (!isJsonObject(lag)) return
    // lines of earlier versions do not say when they looked
    const at = readInstant(lookedAt) ?? Date.parse(endedAt)
    for (const [target, each] of Object.entries(lag)) {
      if (!isJsonObject(each)) continue
      const { seconds, records, bytes, lsn } = each
      if (typeof seconds !== 'number' || typeof lsn !== 'number') continue
      const look = { collection, target, at, seconds, lsn }
      const known = this.#looks.get(keyOf(look))
      if (known !== undefined && known.at > at) continue
      this.#looks.set(keyOf(look), { ...look, records: numberIn(records), bytes: numberIn(bytes) })
    }
  }
}

const keyOf = ({ collection, target }: Pick<LastLook, 'collection' | 'target'>): string =>
  `${collection}\n${target}`

const numberIn = (value: JsonValue | undefined): number | null =>
  typeof value === 'number' ? value : null
