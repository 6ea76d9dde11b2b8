/** The section on data: how large collections were and how much of them changed, day by day. Plain JSON. */
import { isJsonObject, type JsonValue } from '../../engine/index.ts'
import type { Plan } from '../plan/plan.ts'
import type { StepRecord } from '../step/record.ts'
import { type Day, dayAt } from './days.ts'

/** What backups and archive runs of one day told; null where none did. */
export interface DataDay {
  /** `2026-10-25` */
  readonly day: string
  /** Points in the day's last backup. */
  readonly count: number | null
  /** Size of the state in the day's last backup. */
  readonly totalBytes: number | null
  /** What the day's backups had to store anew. */
  readonly storedBytes: number | null
  /** Log records that were archived, at the destination that got most of them. */
  readonly logRecords: number | null
  readonly logBytes: number | null
}

export interface DataReport {
  readonly collection: string
  /** Days on which nothing was backed up or archived are left out. */
  readonly days: readonly DataDay[]
}

interface Sums {
  count: number | null
  totalBytes: number | null
  /** By destination: a second copy is no second change. */
  readonly stored: Map<string, number>
  readonly records: Map<string, number>
  readonly bytes: Map<string, number>
}

/** Reads steps one by one. */
export class GrowthBook {
  readonly #days: readonly Day[]
  readonly #collections = new Map<string, Map<number, Sums>>()

  constructor(days: readonly Day[]) {
    this.#days = days
  }

  read({ kind, outputs, endedAt }: StepRecord): void {
    if (kind !== 'backup' && kind !== 'archive') return
    const day = dayAt(this.#days, Date.parse(endedAt))
    const { destination } = outputs
    if (day < 0 || typeof destination !== 'string') return
    const list = outputs[kind === 'backup' ? 'snapshots' : 'archives']
    for (const each of Array.isArray(list) ? list : []) {
      if (!isJsonObject(each)) continue
      const { collection, count, totalBytes, storedBytes, records, bytes } = each
      if (typeof collection !== 'string') continue
      const sums = this.#sums(collection, day)
      if (kind === 'backup') {
        if (typeof count === 'number') sums.count = count
        if (typeof totalBytes === 'number') sums.totalBytes = totalBytes
        add(sums.stored, destination, storedBytes)
      } else {
        add(sums.records, destination, records)
        add(sums.bytes, destination, bytes)
      }
    }
  }

  /** Of the collections of the plan that were backed up or archived. */
  report({ collections }: Plan): DataReport[] {
    return [...collections.keys()].flatMap((collection) => {
      const days = this.#collections.get(collection)
      if (days === undefined) return []
      return [
        {
          collection,
          days: [...days]
            .sort(([a], [b]) => a - b)
            .map(([index, { count, totalBytes, stored, records, bytes }]) => ({
              day: this.#days[index]?.day ?? '',
              count,
              totalBytes,
              storedBytes: most(stored),
              logRecords: most(records),
              logBytes: most(bytes),
            })),
        },
      ]
    })
  }

  #sums(collection: string, day: number): Sums {
    const days = this.#collections.get(collection) ?? new Map<number, Sums>()
    this.#collections.set(collection, days)
    const known = days.get(day)
    if (known !== undefined) return known
    const made: Sums = {
      ...{ count: null, totalBytes: null },
      ...{ stored: new Map(), records: new Map(), bytes: new Map() },
    }
    days.set(day, made)
    return made
  }
}

function add(sums: Map<string, number>, key: string, value: JsonValue | undefined): void {
  if (typeof value === 'number') sums.set(key, (sums.get(key) ?? 0) + value)
}

const most = (sums: ReadonlyMap<string, number>): number | null =>
  sums.size === 0 ? null : Math.max(...sums.values())
