import { expect, test } from 'vitest'
import { audit } from '../../../planner/audit/audit.ts'
import { toReport } from '../../../planner/report/report.ts'
import { quarter, quarterLedger, quarterPlan } from '../../support/quarter-ledger.ts'
import { planOf } from '../../support/sound-plan.ts'

const report = async () =>
  toReport(audit({ plan: await planOf(quarterPlan), entries: quarterLedger(), window: quarter }))

test('the report on a quarter is what people read', async () => {
  await expect((await report()).markdown).toMatchFileSnapshot('quarter.md')
})

test('Markdown and HTML tell the same in the same order', async () => {
  const { markdown, html } = await report()
  const order = [
    'Objectives',
    'Exposure',
    'Drills',
    'Recovery points',
    'Size and change',
    'Schedules',
    'Findings',
    'Who answers for it',
    'Runs',
    'How to check this',
  ]
  const headings = [markdown.match(/^## .*/gm), html.match(/<h2[^>]*>[^<]*/g)]
  for (const all of headings) {
    const found = order.map((name) => (all ?? []).findIndex((each) => each.includes(name)))
    expect(found.every((index) => index >= 0)).toBe(true)
    expect(found).toEqual([...found].sort((a, b) => a - b))
  }
})
