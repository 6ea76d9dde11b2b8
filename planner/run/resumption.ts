/**
 * What a resumed run takes over from the one whose process died. A run that starts takes over nothing.
 *
 * Steady checks hold at the moment at which the steps begin: while none has begun they are looked at
 * anew, all of them; once one has, the drill itself may have made the system sick, and the first look
 * stands.
 */
import { toIso } from '../step/observation.ts'
import { isBad, type RecordedError, type StepRecord } from '../step/record.ts'
import type { Decision } from './examine.ts'
import { keyOf, type PastRun } from './past-run.ts'
import type { StepKey } from './run-event.ts'

export interface Resumption {
  /** Of finished steps, in the order in which they ended. */
  readonly records: readonly StepRecord[]
  readonly decisions: readonly Decision[]
  /** When the run started first, epoch milliseconds. */
  readonly startedAt?: number
  /** It was told to stop: no step starts any more, only the clean-up. */
  readonly stopping?: RecordedError
  record(key: StepKey): StepRecord | undefined
  decision(key: StepKey): Decision | undefined
}

export const nothingPast: Resumption = {
  records: [],
  decisions: [],
  record: () => undefined,
  decision: () => undefined,
}

/** The past of a run, and what was decided about its interrupted steps. */
export function takeOver(past: PastRun, decisions: ReadonlyMap<string, Decision>): Resumption {
  const { startedAt, stopping } = past
  const isBefore = ({ stage }: StepKey) => stage === 'steady-before'
  const sick = past.records.some((each) => isBefore(each) && isBad(each))
  const begun = [...past.records, ...past.open].some((each) => !isBefore(each))
  const lookAgain = !sick && !begun && stopping === undefined
  const records = past.records.filter((each) => !(lookAgain && isBefore(each)))
  const byKey = new Map(records.map((each) => [keyOf(each), each]))
  return {
    records,
    decisions: [...decisions.values()],
    startedAt,
    ...(stopping && { stopping }),
    record: (key) => byKey.get(keyOf(key)),
    decision: (key) => decisions.get(keyOf(key)),
  }
}

/** What the record of an interrupted step says of how it was found. */
export const begunText = ({ interrupted, by, found }: Decision): string =>
  `begun at ${toIso(interrupted.at)} and interrupted; ${by === 'person' ? '' : 'examined: '}${found}`
