/**
 * What the ledger knows of how long steps take and how often a try succeeds, with the size of the data that
 * they worked on. Pure.
 */
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '../../engine/index.ts'
import type { LedgerEntry } from '../ledger/ledger-line.ts'
import type { TaskStep } from '../plan/plan.ts'
import type { StepRecord } from '../step/record.ts'
import { recordedInputs } from '../step/recorded-inputs.ts'

export interface Measured {
  /**
   * Milliseconds for {@link points} points, where it is known how many: from the end of the step before, because
   * writing the ledger between two steps takes its time too.
   */
  readonly durationMs: number
  readonly points?: number
}

export interface Tries {
  readonly made: number
  readonly passed: number
}

export interface Measurements {
  /**
   * Of a step in its own sequence; where there are none, of the same step elsewhere: a drill that checks what
   * the procedure checks measures it for both. Where it restores, of restores of the collection anywhere.
   */
  durations(key: StepKey): readonly Measured[]
  tries(key: StepKey): Tries
  /** Of any promotion of the target, planned or not, in whatever sequence. */
  promotions(target: string): readonly Measured[]
  /** How far a standby was behind when it was looked at, milliseconds; before any waiting for it, where that is known. */
  lags(collection: string, target: string): readonly number[]
  /** Points in the newest backup. */
  pointsToday(collection: string): number | undefined
}

export interface StepKey {
  /** `procedure/failover` */
  readonly sequence: string
  readonly kind: string
  readonly id: string
  /** As its record would have them, where nothing in them is filled in. */
  readonly inputs: JsonObject
  /** Of a restore. */
  readonly collection?: string
}

/** Older ones say little about today. */
const kept = 10
/** Of looks at a standby, which are many and short. */
const keptLooks = 1_000

/**
 * Out of the entries of the plan named `plan`.
 * @param steps those that will be asked for
 */
export function measurementsOf(
  plan: string,
  entries: readonly LedgerEntry[],
  steps: readonly TaskStep[],
): Measurements {
  const wanted = new Set(steps.map((step) => sameStep({ kind: step.kind, inputs: inputsOf(step) })))
  const kinds = new Set<string>(steps.map(({ kind }) => kind))
  const sequences = new Map<string, string>()
  const durations = new Map<string, Measured[]>()
  const tries = new Map<string, { made: number; passed: number }>()
  const today = new Map<string, number>()
  const lags = new Map<string, number[]>()
  const pauses = new Pauses()
  for (const entry of entries) {
    if (entry.plan !== plan) continue
    if (entry.kind !== 'step') pauses.begin(entry.run, Date.parse(entry.at), entry.kind)
    if (entry.kind === 'run-started') {
      sequences.set(entry.run, `${entry.sequence.kind}/${entry.sequence.name}`)
    }
    if (entry.kind !== 'step') continue
    const { record } = entry
    const pauseMs = pauses.before(entry.run, record)
    noteSizes(record, today)
    noteLags(record, lags)
    const sequence = sequences.get(entry.run)
    if (sequence === undefined || record.stage === 'undo') continue
    const own = `${sequence}/${record.kind}/${record.step}`
    const same = kinds.has(record.kind) ? sameStep(record) : ''
    const keys = [
      own,
      ...(wanted.has(same) ? [same] : []),
      ...restoreKeys(record),
      ...promoteKeys(record),
    ]
    for (const key of keys) count(key, record, pauseMs, durations, tries)
  }
  return {
    durations: ({ sequence, kind, id, inputs, collection }) =>
      durations.get(`${sequence}/${kind}/${id}`) ??
      durations.get(sameStep({ kind, inputs })) ??
      (kind === 'restore' ? durations.get(`restore of ${collection}`) : undefined) ??
      [],
    tries: ({ sequence, kind, id }) =>
      tries.get(`${sequence}/${kind}/${id}`) ?? { made: 0, passed: 0 },
    promotions: (target) => durations.get(`promotion of ${target}`) ?? [],
    lags: (collection, target) => lags.get(`${collection}\n${target}`) ?? [],
    pointsToday: (collection) => today.get(collection),
  }
}

/** As the record of a step has them, templates as they are written. */
export const inputsOf = ({ input }: TaskStep): JsonObject =>
  recordedInputs(input, (template) => template.text)

const sameStep = ({ kind, inputs }: Pick<StepRecord, 'kind' | 'inputs'>): string =>
  `${kind} ${canonicalJson(inputs)}`

const restoreKeys = ({ kind, inputs }: StepRecord): string[] =>
  kind === 'restore' ? [`restore of ${inputs['collection']}`] : []

const promoteKeys = ({ kind, inputs }: StepRecord): string[] =>
  kind === 'promote' ? [`promotion of ${inputs['target']}`] : []

/** A look that waited saw more at first than when it passed: what was there at any moment is the first. */
function noteLags({ kind, outcome, inputs, outputs }: StepRecord, lags: Map<string, number[]>) {
  const { collection } = inputs
  const { lag, first } = outputs
  if (kind !== 'wait' || outcome !== 'passed' || typeof collection !== 'string') return
  if (!isJsonObject(lag)) return
  for (const [target, last] of Object.entries(lag)) {
    const before = isJsonObject(first) ? first[target] : undefined
    const seconds = secondsOf(before) ?? secondsOf(last)
    if (seconds === undefined) continue
    const key = `${collection}\n${target}`
    const list = lags.get(key) ?? []
    lags.set(key, list)
    list.push(seconds * 1_000)
    if (list.length > keptLooks) list.shift()
  }
}

const secondsOf = (look: JsonValue | undefined): number | undefined =>
  isJsonObject(look) && typeof look['seconds'] === 'number' ? look['seconds'] : undefined

function count(
  key: string,
  { outcome, attempts, durationMs, outputs, interrupted }: StepRecord,
  pauseMs: number,
  durations: Map<string, Measured[]>,
  tries: Map<string, { made: number; passed: number }>,
): void {
  if (outcome !== 'passed' && outcome !== 'failed') return
  const known = tries.get(key) ?? { made: 0, passed: 0 }
  tries.set(key, known)
  known.made += attempts
  if (outcome !== 'passed') return
  known.passed++
  // several tries with pauses between them, or half of one, are not how long one takes
  if (attempts !== 1 || interrupted !== undefined) return
  const list = durations.get(key) ?? []
  durations.set(key, list)
  const { count: points } = outputs
  list.push({
    durationMs: durationMs + pauseMs,
    ...(typeof points === 'number' && points > 0 && { points }),
  })
  if (list.length > kept) list.shift()
}

/** How long it is from the end of a step to the start of the next one of its run. */
class Pauses {
  readonly #endedAt = new Map<string, number>()

  /** While a process was dead nothing was between two steps. */
  begin(run: string, at: number, kind: LedgerEntry['kind']): void {
    if (kind === 'run-started' || kind === 'run-resumed') this.#endedAt.set(run, at)
    if (kind === 'run-ended') this.#endedAt.delete(run)
  }

  before(run: string, { startedAt, endedAt }: StepRecord): number {
    const beforeAt = this.#endedAt.get(run)
    if (beforeAt === undefined) return 0
    this.#endedAt.set(run, Math.max(beforeAt, Date.parse(endedAt)))
    // those that ran side by side began before the other one ended
    return Math.max(0, Date.parse(startedAt) - beforeAt)
  }
}

function noteSizes({ kind, outputs }: StepRecord, today: Map<string, number>): void {
  const { snapshots } = outputs
  if (kind !== 'backup' || !Array.isArray(snapshots)) return
  for (const snapshot of snapshots) {
    if (!isJsonObject(snapshot)) continue
    const { collection, count: points } = snapshot
    if (typeof collection === 'string' && typeof points === 'number') today.set(collection, points)
  }
}
