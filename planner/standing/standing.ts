/**
 * How things stand with one plan: what its ledger says of today, in a size that does not grow with the
 * ledger. It is read entry by entry, and can be put down as JSON and taken up again.
 *
 * Whoever needs more than this, such as an audit, reads the ledger.
 */
import { isJsonObject } from '../../engine/index.ts'
import { type LastLook, LookBook } from '../audit/last-looks.ts'
import { type KnownPoint, RecoveryBook, type RecoveryPoint } from '../audit/recovery-points.ts'
import type { LedgerEntry, RunOutcome, RunStarted } from '../ledger/ledger-line.ts'
import { HistoryBook, type KnownHistory } from '../run/history.ts'
import { ServedBook, type ServedTimes } from '../schedule/served-times.ts'
import type { History } from '../step/estimate.ts'
import type { Observation } from '../step/observation.ts'

/** A run, as far as the next one asks. */
export interface NewestRun {
  readonly run: string
  readonly sequence: RunStarted['sequence']
  /** Absent while it runs, and when its process died. */
  readonly outcome?: RunOutcome
}

/** The newest run of a drill. */
export interface LastDrill {
  readonly run: string
  readonly entries: readonly LedgerEntry[]
  /** When the collection that it lost had last been seen at its recovery points, right before. */
  readonly seen: readonly Observation[]
}

/** What a {@link Standing} remembers; JSON. */
export interface KnownStanding {
  readonly served: {
    readonly knownSinceAt: number | null
    readonly dueAt: readonly (readonly [string, readonly number[]])[]
  }
  readonly history: KnownHistory
  readonly points: readonly KnownPoint[]
  readonly looks: readonly LastLook[]
  readonly newest: NewestRun | null
  readonly signedBy: string | null
  readonly signedLine: number
  readonly drills: readonly (readonly [string, LastDrill])[]
}

/** Of a ledger that is at hand. */
export function standingOf(plan: string, entries: readonly LedgerEntry[]): Standing {
  const standing = new Standing(plan)
  for (const entry of entries) standing.read(entry)
  return standing
}

export class Standing {
  readonly plan: string
  readonly #served: ServedBook
  readonly #history: HistoryBook
  readonly #recovery: RecoveryBook
  readonly #looks: LookBook
  readonly #drills: Map<string, { run: string; entries: LedgerEntry[]; seen: Observation[] }>
  #newest: NewestRun | undefined
  #signedBy: string | undefined
  #signedLine: number

  constructor(plan: string, known?: KnownStanding) {
    this.plan = plan
    const { knownSinceAt, dueAt } = known?.served ?? { knownSinceAt: null, dueAt: [] }
    this.#served = new ServedBook({
      ...(knownSinceAt !== null && { knownSinceAt }),
      dueAt: new Map(dueAt),
    })
    this.#history = new HistoryBook(known?.history)
    this.#recovery = new RecoveryBook(known?.points)
    this.#looks = new LookBook(known?.looks)
    this.#newest = known?.newest ?? undefined
    this.#signedBy = known?.signedBy ?? undefined
    this.#signedLine = known?.signedLine ?? 0
    this.#drills = new Map(
      (known?.drills ?? []).map(([name, { run, entries, seen }]) => [
        name,
        { run, entries: [...entries], seen: [...seen] },
      ]),
    )
  }

  /** The next entry of the ledger; those of other plans are passed over. */
  read(entry: LedgerEntry): void {
    if (entry.kind === 'signature') this.#signedLine = entry.line
    if (entry.plan !== this.plan) return
    this.#served.read(entry)
    this.#history.read(entry)
    if (entry.kind === 'run-started') {
      const { run, sequence } = entry
      this.#newest = { run, sequence }
      if (sequence.kind === 'drill') this.#drills.set(sequence.name, { run, entries: [], seen: [] })
    }
    if (entry.kind === 'run-ended' && entry.run === this.#newest?.run) {
      this.#newest = { ...this.#newest, outcome: entry.outcome }
    }
    for (const drill of this.#drills.values()) {
      if (drill.run !== entry.run) continue
      drill.entries.push(entry)
      drill.seen.push(...this.#seenBefore(entry))
    }
    if (entry.kind === 'signature') this.#signedBy = entry.publicKey
    if (entry.kind === 'step') {
      this.#recovery.read(entry.record)
      this.#looks.read(entry.record)
    }
  }

  /** At the disaster: which positions its collection could come back to, and when it was last seen there. */
  #seenBefore(entry: LedgerEntry): Observation[] {
    if (entry.kind !== 'step' || entry.record.kind !== 'inject') return []
    const { outputs } = entry.record
    const lost = isJsonObject(outputs) ? outputs['collection'] : undefined
    return this.#recovery
      .known()
      .filter(({ collection }) => collection === lost)
      .map(({ source, lsn, asOfAt }) => ({ ...source, lsn, observedAt: asOfAt }))
  }

  served(): ServedTimes {
    return this.#served.served()
  }

  history(sequence: { readonly kind: string; readonly name: string }): History {
    return this.#history.of(sequence)
  }

  recoveryPoints(): RecoveryPoint[] {
    return this.#recovery.points()
  }

  /** The same, each with the history that it is of. */
  knownPoints(): readonly KnownPoint[] {
    return this.#recovery.known()
  }

  /** The newest look at each standby. */
  looks(): readonly LastLook[] {
    return this.#looks.known()
  }

  newest(): NewestRun | undefined {
    return this.#newest
  }

  /** The public key of the newest signature; who has it is not looked at. */
  signedBy(): string | undefined {
    return this.#signedBy
  }

  /** The line of the newest signature, whatever plan it is of; 0 when there is none. */
  signedLine(): number {
    return this.#signedLine
  }

  drill(name: string): LastDrill | undefined {
    return this.#drills.get(name)
  }

  known(): KnownStanding {
    const { knownSinceAt = null, dueAt } = this.#served.served()
    return {
      served: { knownSinceAt, dueAt: [...dueAt] },
      history: this.#history.known(),
      points: this.#recovery.known(),
      looks: this.#looks.known(),
      newest: this.#newest ?? null,
      signedBy: this.#signedBy ?? null,
      signedLine: this.#signedLine,
      drills: [...this.#drills],
    }
  }
}
