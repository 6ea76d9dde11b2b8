/**
 * One run as a takeover of one collection: somebody decides, the old primary is fenced, a standby is promoted,
 * applications are led there, and it answers. Pure; every number comes from the ledger.
 *
 * - In a procedure only a promotion that was not planned counts: back to where it came from, and for maintenance,
 *   nothing is recovered from. In a drill both do, and the report says which it was.
 * - The first promotion of the run is it; what comes after the next one belongs to that.
 * - RTO: from the disaster, or what stands for it, to the end of the last check or probe that passed.
 * - RPO: what the promotion said that it lost. Where the old primary did not answer, all since the last moment
 *   at which nothing was missing.
 */
import { isJsonObject, type JsonObject } from '../../engine/index.ts'
import { readInstant, toIso } from '../step/observation.ts'
import type { LedgerRun, LedgerStep } from './ledger-run.ts'
import type { Phase } from './verdict.ts'

export interface Takeover {
  readonly isPlanned: boolean
  /** The target that writes from then on. */
  readonly target: string
  readonly promote: LedgerStep
  /** What the promotion said of the collection. */
  readonly said: JsonObject
  /** The last answer of a person before it. */
  readonly decided?: LedgerStep
  /** The last fence before it, whether the old primary answered or not. */
  readonly fence?: LedgerStep
  /** The first switch after it. */
  readonly switched?: LedgerStep
  /** Checks of the collection there, in order, passed or not. */
  readonly checks: readonly LedgerStep[]
  /** Probes after it, in order, passed or not: what they ask is not said, so all of them are of it. */
  readonly probes: readonly LedgerStep[]
}

type Steps = readonly LedgerStep[]

/** Whether a run lets a standby take the collection over, or would have. */
export const takesOver = ({ sequence, steps }: LedgerRun, collection: string): boolean =>
  steps.some(
    ({ record: { kind, inputs } }) =>
      kind === 'promote' &&
      Array.isArray(inputs['collections']) &&
      inputs['collections'].includes(collection) &&
      (sequence.kind === 'drill' || inputs['planned'] !== true),
  )

/** @param steps of the run itself, after the disaster where it makes one */
export function toTakeover(
  { sequence }: LedgerRun,
  steps: Steps,
  collection: string,
): Takeover | undefined {
  const promotions = steps.flatMap((promote, index) => {
    const said = promotionOf(promote, collection)
    const isPlanned = promote.record.inputs['planned'] === true
    const isTheirs = said !== undefined && (sequence.kind === 'drill' || !isPlanned)
    return isTheirs ? [{ promote, said, isPlanned, index }] : []
  })
  const [first, next] = promotions
  const target = first?.promote.record.outputs['target']
  if (first === undefined || typeof target !== 'string') return undefined
  const before = steps.slice(0, first.index)
  const after = steps.slice(first.index + 1, next?.index)
  const decided = before.findLast(isPassed('approve'))
  const fence = before.findLast(isPassed('fence'))
  const switched = after.find(
    (step) => isPassed('switch')(step) && step.record.outputs['collection'] === collection,
  )
  return {
    ...{ isPlanned: first.isPlanned, target, promote: first.promote, said: first.said },
    ...(decided && { decided }),
    ...(fence && { fence }),
    ...(switched && { switched }),
    checks: after.filter(({ record }) => {
      const looked = record.outputs['collection'] === undefined ? record.inputs : record.outputs
      const isThere = looked['target'] === target && looked['collection'] === collection
      return record.kind === 'check' && isThere
    }),
    probes: after.filter(({ record }) => record.kind === 'probe'),
  }
}

const isPassed =
  (kind: string) =>
  ({ record }: LedgerStep): boolean =>
    record.kind === kind && record.outcome === 'passed'

/** Undefined too where it found the standby in office already. */
function promotionOf(step: LedgerStep, collection: string): JsonObject | undefined {
  const { collections } = step.record.outputs
  if (!isPassed('promote')(step) || !isJsonObject(collections)) return undefined
  const said = collections[collection]
  return isJsonObject(said) && said['already'] !== true ? said : undefined
}

/** The moments of a takeover in the order of their time; undefined where nothing showed that it answers. */
export function takeoverMoments(takeover: Takeover):
  | {
      readonly moments: readonly (readonly [Phase['name'], number])[]
      /** What showed it last. */
      readonly last: LedgerStep
    }
  | undefined {
  const { decided, fence, promote, switched, checks, probes } = takeover
  const shown = [...probes, ...checks]
    .filter(({ record }) => record.outcome === 'passed')
    .sort((a, b) => endOf(a) - endOf(b))
  const last = shown.at(-1)
  if (last === undefined) return undefined
  const serving = checks
    .map(({ record }) => readInstant(record.outputs['servingAt']))
    .filter((at) => at !== undefined)
  const answered = probes.find(({ record }) => record.outcome === 'passed')
  const told: [Phase['name'], number | undefined][] = [
    ['decided', decided && endOf(decided)],
    ['fenced', fence && endOf(fence)],
    ['promoted', endOf(promote)],
    ['switched', switched && endOf(switched)],
    ['answered', answered && endOf(answered)],
    ['serving', serving.at(-1)],
    ['checked', endOf(last)],
  ]
  const moments = told.flatMap(([name, at]) => (at === undefined ? [] : [[name, at] as const]))
  return { moments: moments.sort(([, a], [, b]) => a - b), last }
}

const endOf = ({ record }: LedgerStep): number => Date.parse(record.endedAt)

/** What the promotion lost. */
export interface TakeoverLoss {
  /** From here on it may be lost: the last moment at which nothing was missing; undefined: nothing is lost. */
  readonly asOfAt?: number
  /** Acknowledged; undefined: the old primary did not answer. */
  readonly records?: number
}

/** A sentence where it is not known. */
export function takeoverLoss({ said }: Takeover): TakeoverLoss | string {
  const { lostRecords, window } = said
  const known: JsonObject = isJsonObject(window) ? window : {}
  const records = typeof lostRecords === 'number' ? lostRecords : known['records']
  if (records === 0) return { records }
  const asOfAt = readInstant(known['asOfAt'])
  if (asOfAt === undefined) return 'the promotion did not know since when something is missing'
  return { asOfAt, ...(typeof records === 'number' && { records }) }
}

/** What a reader should know of it, in sentences. */
export function takeoverReasons({ isPlanned, fence }: Takeover): string[] {
  const isSilent = fence?.record.outputs['reached'] === false
  return [
    ...(isPlanned ? ['the promotion was planned: the primary was there and handed over'] : []),
    ...(isSilent
      ? [
          `the old primary did not answer at ${toIso(endOf(fence))}; it is fenced by the new epoch when they meet`,
        ]
      : []),
  ]
}
