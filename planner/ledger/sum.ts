/**
 * Sums: runs that passed and are alike, in one line of the ledger. Nothing is lost.
 *
 * What the runs share stands once, what differs run by run; `sum-line.ts` has the format. {@link unfold} gives
 * back the entries that the runs would have left alone; whoever reads runs sees no difference.
 */
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '../../engine/index.ts'
import type { StepRecord } from '../step/record.ts'
import type { LedgerEntry, LedgerLine, RunEnded, RunStarted } from './ledger-line.ts'
import { farthestMs, isAt, type LeafPath, type RunsSummed, type SumColumn } from './sum-line.ts'

/** A run that passed. */
export interface SummableRun {
  readonly run: string
  /** When it began, ISO 8601, as the other instants. */
  readonly at: string
  readonly dueAt: string
  readonly endedAt: string
  readonly durationMs: number
  readonly records: readonly StepRecord[]
}

/** Most runs in one sum. */
const mostRuns = 1_000

/** A sum, and the runs that it is of. */
export interface Sum {
  readonly body: RunsSummed
  readonly runs: readonly SummableRun[]
}

/** The sums of runs that follow each other: a new one where the hour or the shape changes. */
export function sumRuns(
  about: Pick<RunStarted, 'sequence' | 'planFile' | 'version'>,
  runs: readonly SummableRun[],
): Sum[] {
  const groups: { readonly key: string; readonly runs: SummableRun[] }[] = []
  for (const run of runs) {
    const key = `${run.at.slice(0, 13)} ${shapeOf(run)}`
    const open = groups.at(-1)
    if (open?.key === key && open.runs.length < mostRuns) open.runs.push(run)
    else groups.push({ key, runs: [run] })
  }
  return groups.map((group) => ({ body: { ...sum(group.runs), ...about }, runs: group.runs }))
}

function sum(
  runs: readonly SummableRun[],
): Pick<RunsSummed, 'kind' | 'shape' | 'columns' | 'rows'> {
  const leaves = runs.map((run) => leavesOf(toJson(run)))
  const starts = runs.map(({ at }) => Date.parse(at))
  const columns = new Map<string, { paths: LeafPath[]; instant: boolean; values: JsonValue[] }>()
  for (const [place, { path, value }] of (leaves[0] ?? []).entries()) {
    const values = leaves.map((each) => each[place]?.value ?? null)
    if (values.every((each) => each === value)) continue
    const offsets = isAt(path) ? undefined : offsetsOf(values, starts)
    const instant = offsets !== undefined
    const key = canonicalJson([isAt(path), instant, offsets ?? values])
    const known = columns.get(key)
    if (known === undefined) columns.set(key, { paths: [path], instant, values: offsets ?? values })
    else known.paths.push(path)
  }
  const all = [...columns.values()]
  const cleared = changesOf(all)
  return {
    kind: 'runs-summed',
    shape: changed(toJson(runs[0]), cleared, []),
    columns: all.map(({ paths, instant }) => ({ paths, instant })),
    rows: runs.map((_, index) => all.map(({ values }) => values[index] ?? null)),
  }
}

/** Instants as milliseconds since their runs began; undefined when they are none, or another text for one. */
function offsetsOf(values: readonly JsonValue[], starts: readonly number[]): number[] | undefined {
  const offsets: number[] = []
  for (const [index, value] of values.entries()) {
    if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT/.test(value)) return undefined
    const at = Date.parse(value)
    const offset = at - (starts[index] ?? Number.NaN)
    if (!(Math.abs(offset) <= farthestMs) || new Date(at).toISOString() !== value) return undefined
    offsets.push(offset)
  }
  return offsets
}

/** The runs of a sum, in their order. */
export function runsOfSum({ shape, columns, rows }: RunsSummed): SummableRun[] {
  const changes = changesOf(columns)
  const startsAt = columns.findIndex(({ paths }) => paths.some(isAt))
  return rows.map((row) => {
    const start = Date.parse(String(startsAt < 0 ? (shape as JsonObject)['at'] : row[startsAt]))
    const values = row.map((value, index) =>
      columns[index]?.instant === true ? new Date(start + Number(value)).toISOString() : value,
    )
    // `isSum` looked at the shape, and `sum` made it of one
    return changed(shape, changes, values) as unknown as SummableRun
  })
}

/** The runs of a sum, as entries that they would have left: start, steps, end. Others are themselves. */
export function unfold(line: LedgerLine): readonly LedgerEntry[] {
  if (line.kind !== 'runs-summed') return [line]
  const {
    shape: _,
    columns: __,
    rows: ___,
    sequence,
    planFile,
    version,
    kind: ____,
    ...header
  } = line
  return runsOfSum(line).flatMap((summed): LedgerEntry[] => {
    const { run, at, dueAt, endedAt, durationMs, records } = summed
    const common = { ...header, run }
    const started: RunStarted = {
      ...{ kind: 'run-started', sequence, proves: [], planFile, version },
      dueAt,
    }
    const ended: RunEnded = {
      ...{ kind: 'run-ended', outcome: 'passed' },
      ...{ startedAt: at, endedAt, durationMs },
    }
    return [
      { ...common, at, ...started },
      ...records.map(
        (record): LedgerEntry => ({ ...common, at: record.endedAt, kind: 'step', record }),
      ),
      { ...common, at: endedAt, ...ended },
    ]
  })
}

/** Where values change: a column at a leaf, more of the same on the way there. */
type Changes = Map<string | number, Changes | number>

function changesOf(columns: readonly Pick<SumColumn, 'paths'>[]): Changes {
  const root: Changes = new Map()
  for (const [column, { paths }] of columns.entries()) {
    for (const path of paths) {
      let at = root
      for (const key of path.slice(0, -1)) {
        const next = at.get(key)
        const inside: Changes = next instanceof Map ? next : new Map()
        if (inside !== next) at.set(key, inside)
        at = inside
      }
      at.set(path.at(-1) ?? '', column)
    }
  }
  return root
}

/** A copy with other values where they change, null where there is none; the rest is shared. */
function changed(value: JsonValue, changes: Changes, values: readonly JsonValue[]): JsonValue {
  // by keys that `isSum` has looked at: they are there, and its own
  const copy = (Array.isArray(value) ? value.slice() : { ...(value as JsonObject) }) as Changing
  for (const [key, change] of changes) {
    const inside = typeof change === 'number' ? (values[change] ?? null) : undefined
    copy[key] =
      inside === undefined ? changed(copy[key] ?? null, change as Changes, values) : inside
  }
  return copy as unknown as JsonValue
}

/** An array or object that is being changed. */
interface Changing {
  [key: string | number]: JsonValue
}

const toJson = (run: unknown): JsonValue => JSON.parse(canonicalJson(run))

interface Leaf {
  readonly path: LeafPath
  readonly value: JsonValue
  /** Of an array or object without anything in it: which of the two. */
  readonly empty?: '[]' | '{}'
}

/** Every value that is neither an array nor an object, or is an empty one, in order. */
function leavesOf(value: JsonValue, path: LeafPath = []): Leaf[] {
  if (Array.isArray(value)) {
    if (value.length === 0) return [{ path, value: null, empty: '[]' }]
    return value.flatMap((each, index) => leavesOf(each, [...path, index]))
  }
  if (!isJsonObject(value)) return [{ path, value }]
  const members = Object.entries(value)
  if (members.length === 0) return [{ path, value: null, empty: '{}' }]
  return members.flatMap(([key, each]) => leavesOf(each, [...path, key]))
}

/** What runs of one sum have in common. */
const shapeOf = (run: SummableRun): string =>
  canonicalJson(leavesOf(toJson(run)).map(({ path, empty = '' }) => [path, empty]))
