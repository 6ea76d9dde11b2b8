/**
 * Sums: runs that passed and are alike, in one line of the ledger. Nothing is lost.
 *
 * `shape` is what the first run left, with null wherever runs differ. `paths` says where that is, and
 * `rows` has one list a run with what stands there. So a sum of twelve archive runs holds their times and positions
 * twelve times, and everything else once. {@link unfold} gives back the entries that the runs would have
 * left alone; whoever reads runs sees no difference.
 *
 * A run in a sum: `run`, `at` (when it began), `dueAt`, `endedAt`, `durationMs`, `records` (of its steps).
 */
import { canonicalJson, isJsonObject, type JsonValue } from '../../engine/index.ts'
import type { StepRecord } from '../step/record.ts'
import type { LedgerEntry, LedgerLine, RunEnded, RunStarted } from './ledger-line.ts'
import { type LeafPath, type RunsSummed, withLeaves } from './sum-line.ts'

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

function sum(runs: readonly SummableRun[]): Pick<RunsSummed, 'kind' | 'shape' | 'paths' | 'rows'> {
  const leaves = runs.map((run) => leavesOf(toJson(run)))
  const [first = []] = leaves
  const differing = first.flatMap(({ value }, column) =>
    leaves.some((each) => each[column]?.value !== value) ? [column] : [],
  )
  const paths = differing.map((column) => first[column]?.path ?? [])
  const shape = withLeaves(toJson(runs[0]), paths, [])
  return {
    kind: 'runs-summed',
    shape,
    paths,
    rows: leaves.map((each) => differing.map((column) => each[column]?.value ?? null)),
  }
}

/** The runs of a sum, as entries that they would have left: start, steps, end. Others are themselves. */
export function unfold(line: LedgerLine): readonly LedgerEntry[] {
  if (line.kind !== 'runs-summed') return [line]
  const { shape, paths, rows, sequence, planFile, version, kind: _, ...header } = line
  return rows.flatMap((row): LedgerEntry[] => {
    // a sum of one run is that run
    const value = paths.length === 0 ? shape : withLeaves(shape, paths, row)
    // `isSum` looked at the shape, and `sum` made it of one
    const { run, at, dueAt, endedAt, durationMs, records } = value as unknown as SummableRun
    const common = { ...header, run }
    const started: RunStarted = {
      kind: 'run-started',
      sequence,
      proves: [],
      planFile,
      version,
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
