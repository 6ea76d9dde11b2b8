import { expect, test } from 'vitest'
import type { JsonObject } from '../../../engine/index.ts'
import { recoveryPoints } from '../../../planner/audit/recovery-points.ts'
import type { StepRecord } from '../../../planner/step/record.ts'
import { ledgerOf, stepAt } from '../../support/ledger-builder.ts'

const minute = 60_000
const start = Date.UTC(2026, 10, 26)
const position = (lsn: number, atMinute: number) => ({
  ...{ uuid: 'u', history: 'h', epoch: 1, lsn, count: lsn, committedAt: null },
  observedAt: new Date(start + atMinute * minute).toISOString(),
})
const step = (
  kind: StepRecord['kind'],
  atMinute: number,
  outputs: JsonObject,
  changes: Partial<StepRecord> = {},
) =>
  stepAt(start + atMinute * minute, start + atMinute * minute, {
    kind,
    step: kind,
    outputs,
    ...changes,
  })
const backup = (id: string, lsn: number, at: number) =>
  step('backup', at, {
    destination: 'near',
    snapshots: [{ collection: 'words', snapshotId: id, lsn, position: position(lsn, at) }],
  })
const verify = (id: string, at: number, ok = true, more: JsonObject = {}) =>
  step('verify', at, {
    destination: 'near',
    depth: 'objects',
    readShare: 1,
    verified: [{ collection: 'words', snapshotId: id, ok }],
    ...more,
  })

const pointsOf = (...steps: StepRecord[]) =>
  recoveryPoints('test', ledgerOf({ run: 'r', startedAt: start, steps, kind: 'schedule' })).map(
    ({ destination, kind, id, asOfAt, verifiedAt }) =>
      `${destination} ${id ?? kind} as of ${(asOfAt - start) / minute}${verifiedAt === undefined ? '' : `, verified at ${(verifiedAt - start) / minute}`}`,
  )

test('a snapshot is verified by reading all of it, and a failed verification takes that back', () => {
  expect(pointsOf(backup('a', 5, 0))).toEqual(['near a as of 0'])
  expect(pointsOf(backup('a', 5, 0), verify('a', 2))).toEqual(['near a as of 0, verified at 2'])
  expect(pointsOf(backup('a', 5, 0), verify('a', 2, true, { readShare: 0.2 }))).toEqual([
    'near a as of 0',
  ])
  expect(pointsOf(backup('a', 5, 0), verify('a', 2, true, { depth: 'manifest' }))).toEqual([
    'near a as of 0',
  ])
  expect(pointsOf(backup('a', 5, 0), verify('a', 2), verify('a', 3, false))).toEqual([
    'near a as of 0',
  ])
})

test('a source that was seen unchanged keeps its point from ageing, one that moved on does not', () => {
  const log = (lsn: number, at: number) =>
    step('archive', at, {
      destination: 'far',
      archives: [{ collection: 'words', restorable: true, position: position(lsn, at) }],
    })
  expect(pointsOf(backup('a', 5, 0), log(5, 7))).toEqual(['near a as of 7', 'far archive as of 7'])
  expect(pointsOf(backup('a', 5, 0), log(6, 7), log(9, 8))).toEqual([
    'near a as of 0',
    'far archive as of 8',
  ])
})

test('a copy stands at the far end, verified when it was brought and read back', () => {
  const copy = (counts: JsonObject) =>
    step(
      'copy',
      4,
      { from: 'near', to: 'far', snapshot: 'b', ...counts },
      { inputs: { collection: 'words' } },
    )
  const before = [backup('a', 5, 0), backup('b', 6, 2)]
  expect(pointsOf(...before, copy({ copied: 1, present: 0 })).at(-1)).toBe(
    'far b as of 2, verified at 4',
  )
  expect(pointsOf(...before, copy({ copied: 0, present: 1 })).at(-1)).toBe('far b as of 2')
  expect(
    pointsOf(...before, { ...copy({ copied: 1, present: 0 }), outcome: 'failed' }),
  ).toHaveLength(2)
})
