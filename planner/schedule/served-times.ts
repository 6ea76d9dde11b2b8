/** What the ledger says of earlier runs, as far as due times depend on it. */
import type { LedgerEntry } from '../ledger/ledger-line.ts'
import { keyOf } from './timed.ts'

export interface ServedTimes {
  /** When the plan first appears in the ledger with something that ran, epoch milliseconds. */
  readonly knownSinceAt?: number
  /** By {@link keyOf}: due times of its runs, ascending; a run that nobody scheduled was due when it began. */
  readonly dueAt: ReadonlyMap<string, readonly number[]>
}

/** The newest runs of each sequence that are kept: more than clock jumps need. */
const kept = 64

/** Of the plan named `plan`. A run that failed or was interrupted ran: what it means for it to run again is the plan's `retry`. */
export function servedTimes(plan: string, entries: readonly LedgerEntry[]): ServedTimes {
  const book = new ServedBook()
  for (const entry of entries) if (entry.plan === plan) book.read(entry)
  return book.served()
}

/** The same, entry by entry of one plan. */
export class ServedBook {
  readonly #dueAt: Map<string, number[]>
  #knownSinceAt: number | undefined

  constructor({ knownSinceAt, dueAt }: ServedTimes = { dueAt: new Map() }) {
    this.#knownSinceAt = knownSinceAt
    this.#dueAt = new Map([...dueAt].map(([key, times]) => [key, [...times]]))
  }

  read(entry: LedgerEntry): void {
    // who played a disaster through did not yet let the clock run anything
    if (entry.kind === 'exercise') return
    this.#knownSinceAt ??= Date.parse(entry.at)
    if (entry.kind !== 'run-started') return
    add(this.#dueAt, keyOf(entry.sequence), Date.parse(entry.dueAt ?? entry.at))
  }

  served(): ServedTimes {
    const known = this.#knownSinceAt
    return { ...(known !== undefined && { knownSinceAt: known }), dueAt: this.#dueAt }
  }
}

/** The same with one run more. */
export function withServed(past: ServedTimes, key: string, ranDueAt: number): ServedTimes {
  const dueAt = new Map<string, number[]>()
  for (const [name, times] of past.dueAt) dueAt.set(name, [...times])
  add(dueAt, key, ranDueAt)
  return { knownSinceAt: past.knownSinceAt ?? ranDueAt, dueAt }
}

/**
 * Whether a run at `dueAt` or later is known. One in the future counts only while it is the due time's own: a clock that
 * was wrong must not stop anything.
 */
export const isServed = (
  { dueAt: all }: ServedTimes,
  sequence: { readonly kind: string; readonly name: string },
  dueAt: number,
  now: number,
): boolean =>
  (all.get(keyOf(sequence)) ?? []).some((each) => each === dueAt || (each > dueAt && each <= now))

function add(all: Map<string, number[]>, key: string, dueAt: number): void {
  const times = all.get(key) ?? []
  const newest = times.at(-1) ?? dueAt
  times.push(dueAt)
  if (dueAt < newest) times.sort((a, b) => a - b)
  if (times.length > kept) times.shift()
  all.set(key, times)
}
