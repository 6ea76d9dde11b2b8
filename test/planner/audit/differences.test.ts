import { expect, test } from 'vitest'
import { audit } from '../../../planner/audit/audit.ts'
import { compareAudits, isComparable } from '../../../planner/audit/differences.ts'
import { toReport } from '../../../planner/report/report.ts'
import { quarter, quarterLedger, quarterPlan } from '../../support/quarter-ledger.ts'
import { planOf } from '../../support/sound-plan.ts'

const november = Date.UTC(2026, 10, 1)

test('October against November: what got worse, and which findings are new', async () => {
  const plan = await planOf(quarterPlan)
  const entries = quarterLedger()
  const of = (from: number, to: number) => audit({ plan, entries, window: { from, to } })
  const october = of(quarter.from, november)
  const after = of(november, Date.UTC(2026, 11, 1))
  const found = compareAudits(october, after, 'the window before')
  expect(
    found.exposure.map(({ losses, inBreachBeforeMs, inBreachAfterMs, trend }) => ({
      ...{ losses: losses[0], before: inBreachBeforeMs / 60_000, trend },
      after: inBreachAfterMs / 60_000,
    })),
  ).toEqual([
    { losses: 'data', before: 19, after: 2 * (23 * 60 + 19), trend: 'worse' },
    { losses: 'node', before: 39, after: 3 * (23 * 60 + 39), trend: 'worse' },
    { losses: 'vendor', before: 31 * 1_440 - 90, after: 30 * 1_440, trend: 'better' },
  ])
  expect(
    found.schedules.map(({ name, badBefore, badAfter, trend }) => ({
      ...{ name, badBefore, badAfter, trend },
    })),
  ).toEqual([
    { name: 'nightly', badBefore: 0, badAfter: 3, trend: 'worse' },
    { name: 'weekly', badBefore: 0, badAfter: 0, trend: 'same' },
    { name: 'restore-test', badBefore: 0, badAfter: 0, trend: 'same' },
  ])
  expect(
    found.verdicts.map(({ objective, before, after: now, trend }) => [
      ...[objective, before, now, trend],
    ]),
  ).toEqual([
    ['rpo', 'missed', 'missed', 'same'],
    ['rto', 'met', 'met', 'same'],
    ['recall', 'met', 'met', 'same'],
  ])
  expect(found.planChanged).toBe(false)
  expect(found.findings).toEqual({
    opened: [],
    remaining: ['unprotected/orders', 'unproven/rpo/orders'],
    closed: [],
  })
  const { markdown } = await toReport(after, found)
  expect(markdown).toContain('## What has changed')
})

test('what only one of the two has is new, or gone', async () => {
  const plan = await planOf(quarterPlan)
  const all = audit({ plan, entries: quarterLedger(), window: quarter })
  const { sections: _, ...bare } = { ...all, verdicts: [] }
  const trends = ({ verdicts, exposure }: ReturnType<typeof compareAudits>) =>
    new Set([...verdicts, ...exposure].map(({ trend }) => trend))
  expect(trends(compareAudits(bare, all, 'an earlier report'))).toEqual(new Set(['new']))
  expect(trends(compareAudits(all, bare, 'an earlier report'))).toEqual(new Set(['gone']))
})

test('only what has the form of a report is compared: anybody may have written it', async () => {
  const plan = await planOf(quarterPlan)
  const found = audit({ plan, entries: quarterLedger(), window: quarter })
  const read = JSON.parse((await toReport(found)).json)
  expect(isComparable(read)).toBe(true)
  expect(isComparable({ ...read, sections: undefined })).toBe(true)
  for (const key of ['plan', 'window', 'verdicts', 'sections', 'scope']) {
    for (const junk of [null, 7, 'x', [null], { a: 1 }, { exposure: 7 }, { findings: [null] }]) {
      const forged = { ...read, [key]: junk }
      if (isComparable(forged)) compareAudits(forged, found, 'an earlier report')
    }
    expect(isComparable({ ...read, [key]: null }), key).toBe(false)
  }
  for (const junk of [null, 7, [], 'report']) expect(isComparable(junk)).toBe(false)
  for (const section of ['exposure', 'schedules', 'findings']) {
    for (const junk of [7, {}, [null], [{}], [{ collection: 'a' }]]) {
      const forged = { ...read, sections: { ...read.sections, [section]: junk } }
      expect(isComparable(forged), `${section}: ${JSON.stringify(junk)}`).toBe(false)
    }
  }
})
