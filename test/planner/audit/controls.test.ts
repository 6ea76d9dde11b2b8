import { expect, test } from 'vitest'
import { audit } from '../../../planner/audit/audit.ts'
import { type ControlReport, controls } from '../../../planner/audit/controls.ts'
import { ledgerOf } from '../../support/ledger-builder.ts'
import { quarter, quarterLedger, quarterPlan } from '../../support/quarter-ledger.ts'
import { instead, planOf, soundLedger, soundPlan, today } from '../../support/sound-plan.ts'

test('every control of the catalogue has needs and a reference, and is named once', () => {
  const named = controls.map(({ framework, control }) => `${framework} ${control}`)
  expect(named).toEqual([
    ...['soc2 A1.2', 'soc2 A1.3', 'iso22301 8.5'],
    ...['iso27001 A.5.29', 'iso27001 A.5.30', 'iso27001 A.8.13', 'iso27001 A.8.14'],
    ...['CP-2', 'CP-4', 'CP-6', 'CP-9', 'CP-10'].map((each) => `nist-800-53 ${each}`),
    ...['dora Article 11', 'dora Article 12'],
  ])
  for (const { needs, reference, asks } of controls) {
    expect([needs.length > 0, reference.length > 0, asks.length > 0]).toEqual([true, true, true])
  }
})

const told = (all: readonly ControlReport[]) =>
  all.map(({ control, state, supporting, missing }) => ({
    ...{ control, state },
    supporting: supporting.map(({ kind }) => kind),
    missing: missing.map(({ kind }) => kind),
  }))

test('the quarter supports some of what its frameworks ask for, and says what is missing', async () => {
  const plan = await planOf(quarterPlan)
  const { sections } = audit({ plan, entries: quarterLedger(), window: quarter })
  const found = sections?.controls ?? []
  expect(told(found)).toEqual([
    {
      ...{ control: 'A1.2', state: 'partly supported' },
      supporting: ['copies verified', 'copy elsewhere'],
      missing: ['backups run', 'exposure'],
    },
    {
      ...{ control: 'A1.3', state: 'not supported', supporting: [] },
      missing: ['restore tests', 'objectives met', 'findings'],
    },
    {
      ...{ control: 'Article 11', state: 'partly supported', supporting: ['review'] },
      missing: ['procedures', 'restore tests', 'findings', 'record'],
    },
    {
      ...{ control: 'Article 12', state: 'partly supported' },
      supporting: ['objectives', 'copies verified', 'copy elsewhere'],
      missing: ['backups run', 'restore tests', 'objectives met', 'exposure'],
    },
  ])
  const says = found.flatMap(({ missing }) => missing).map((each) => each.says)
  expect(says).toContain('of 106 scheduled runs that were due 100 succeeded')
  expect(says).toContain('overdue: drill restore-test')
})

test('without a ledger nothing that has to be measured is supported', async () => {
  const frameworks = 'frameworks: [soc2, iso22301, iso27001, nist-800-53, dora]'
  const plan = await planOf(instead(['frameworks: [soc2]', frameworks])(soundPlan))
  const window = { from: today - 90 * 86_400_000, to: today }
  const { sections } = audit({ plan, entries: ledgerOf(), window })
  const supporting = (sections?.controls ?? []).flatMap((each) => each.supporting)
  expect(new Set(supporting.map(({ kind }) => kind))).toEqual(
    // all of it stands in the plan
    new Set(['findings', 'procedures', 'record', 'objectives', 'review']),
  )
  const some = audit({ plan, entries: soundLedger(), window }).sections?.controls ?? []
  expect(some.flatMap((each) => each.supporting).map(({ kind }) => kind)).toContain('restore tests')
})
