import { expect, test } from 'vitest'
import { audit } from '../../../planner/audit/audit.ts'
import { type DescribedRun, ledgerOf, stepAt } from '../../support/ledger-builder.ts'
import {
  buildCollection,
  buildCompliance,
  buildDrill,
  buildPlan,
} from '../../support/plan-builder.ts'

const day = 86_400_000
const start = Date.UTC(2026, 5, 1)

const plan = buildPlan({
  reviewedAt: start,
  collections: [buildCollection('words', { objectives: { recall: 0.95 } })],
  drills: new Map([['restore-test', buildDrill({ proves: ['recall'] })]]),
  compliance: buildCompliance({ findings: { owner: 'team', criticalDueMs: 2 * day } }),
})

/** A drill on the given day that measured this recall, or broke at something else. */
const drill = (onDay: number, recall: number | 'nothing', name = 'words'): DescribedRun => {
  const at = start + onDay * day
  const place = { target: 'staging', collection: 'copy' }
  return {
    run: `day-${onDay}`,
    ...{ startedAt: at, endedAt: at + 3_000, proves: ['recall'] },
    outcome: recall === 'nothing' ? 'interrupted' : recall < 0.95 ? 'failed' : 'passed',
    steps: [
      stepAt(at, at + 1_000, {
        ...{ step: 'restore', kind: 'restore', inputs: { collection: name } },
        outputs: { ...place, restoredFrom: name },
      }),
      ...(recall === 'nothing'
        ? []
        : [
            stepAt(at + 1_000, at + 2_000, {
              ...{ step: 'check', kind: 'check', inputs: place },
              outputs: { ...place, recall, k: 10, queries: 64, truth: 'snapshot' },
              ...(recall < 0.95 && {
                outcome: 'failed',
                error: { code: 'check-failed', message: `recall is ${recall}`, hint: '' },
              }),
            }),
          ]),
    ],
  }
}

const found = (...runs: readonly DescribedRun[]) => {
  const window = { from: start, to: start + 30 * day }
  const { sections } = audit({ plan, entries: ledgerOf(...runs), window })
  return (sections?.findings ?? [])
    .filter(({ id }) => id === 'recall/words')
    .map(({ state, retest, openedAt, shownBy, closedBy, isLate }) => ({
      ...{ state, retest, isLate, day: (Date.parse(openedAt) - start - 3_000) / day },
      ...{ shownBy: shownBy.map(({ run }) => run), closedBy: closedBy?.run },
    }))
}

test('a missed objective stays open until a later drill meets it', () => {
  const open = { state: 'open', day: 1, isLate: true, closedBy: undefined }
  expect(found(drill(1, 0.5))).toEqual([{ ...open, retest: 'not retested', shownBy: ['day-1'] }])
  expect(found(drill(1, 0.5), drill(2, 0.6))).toEqual([
    { ...open, retest: 'failed again', shownBy: ['day-1', 'day-2'] },
  ])
  // what measured nothing, or something else, proves nothing
  const others = [drill(2, 'nothing'), drill(3, 0.99, 'others')]
  expect(found(drill(1, 0.5), ...others)).toEqual([
    { ...open, retest: 'not retested', shownBy: ['day-1'] },
  ])
  expect(found(drill(1, 0.5), drill(2, 0.97), drill(6, 0.4))).toEqual([
    { ...open, day: 6, retest: 'not retested', shownBy: ['day-6'] },
    {
      ...{ state: 'closed', retest: 'passed', day: 1, isLate: false },
      ...{ shownBy: ['day-1'], closedBy: 'day-2' },
    },
  ])
  expect(found(drill(1, 0.5), drill(9, 0.97))).toMatchObject([{ state: 'closed', isLate: true }])
})
