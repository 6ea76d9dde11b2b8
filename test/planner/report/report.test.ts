import { expect, test } from 'vitest'
import { type Audit, audit } from '../../../planner/audit/audit.ts'
import type { Story } from '../../../planner/report/block.ts'
import { toHtml } from '../../../planner/report/html.ts'
import { toMarkdown } from '../../../planner/report/markdown.ts'
import { toReport } from '../../../planner/report/report.ts'
import { tellStory } from '../../../planner/report/story.ts'
import { writeReport } from '../../../planner/report/write-report.ts'
import { ledgerOf, stepAt } from '../../support/ledger-builder.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { buildCollection, buildPlan } from '../../support/plan-builder.ts'

const noon = Date.UTC(2026, 5, 1, 12)
const iso = (at: number) => new Date(at).toISOString()

function sample(message = 'recall is 0.5'): Audit {
  const plan = buildPlan({
    description: 'A plan.',
    collections: [
      buildCollection('words', { objectives: { rpoMs: 900_000, rtoMs: 60_000, recall: 0.95 } }),
    ],
  })
  const entries = ledgerOf({
    run: 'r1',
    startedAt: noon,
    endedAt: noon + 100_000,
    steps: [
      stepAt(noon, noon + 10, {
        step: 'inject',
        kind: 'inject',
        outputs: {
          collection: 'words',
          disasterAt: iso(noon),
          lastAcknowledged: { uuid: 'u', history: 'h', lsn: 9, observedAt: iso(noon) },
        },
      }),
      stepAt(noon + 10, noon + 40_000, {
        step: 'restore',
        kind: 'restore',
        inputs: { collection: 'words' },
        outputs: {
          target: 't',
          collection: 'words',
          restoredFrom: 'words',
          recoveryPoint: { uuid: 'u', history: 'h', lsn: 9, observedAt: iso(noon) },
        },
        remarks: [message],
      }),
      stepAt(noon + 40_000, noon + 90_000, {
        step: 'check',
        kind: 'check',
        outputs: { target: 't', collection: 'words', recall: 0.5, k: 10, queries: 64 },
        evidence: [{ artefact: 'runs/r1/steps/check/measurement.json', sha256: 'a'.repeat(64) }],
      }),
    ],
  })
  return audit({ plan, entries, window: { from: noon, to: noon + 100_000 }, run: 'r1' })
}

test('the same audit gives the same bytes in all three forms', async () => {
  expect(await toReport(sample())).toEqual(await toReport(sample()))
})

test('every form says the verdict first, then the same numbers in the same order', async () => {
  const { json, markdown, html } = await toReport(sample())
  expect(Object.keys(JSON.parse(json)).slice(0, 3)).toEqual(['report', 'verdict', 'lead'])
  expect(JSON.parse(json)).toMatchObject({
    verdict: 'missed',
    lead: '3 objectives judged: 1 met, 2 missed.',
    totals: { met: 1, missed: 2, unproven: 0 },
  })
  const plain = (text: string) => text.replaceAll('\\', '')
  for (const text of [plain(markdown), html]) {
    const places = [
      'Drill restore-test of test',
      '3 objectives judged',
      'Objectives',
      'at most 15 min',
      'at most 1 min',
      '1 min 30 s',
      'at least 0.95',
      '0.5000',
      'words: RPO met',
      'words: RTO missed',
      'words: recall@10 missed',
      'Steps of run r1',
      'How to check this',
    ].map((part) => [part, text.indexOf(part)] as const)
    expect(places.filter(([, at]) => at < 0)).toEqual([])
    expect(places.map(([, at]) => at)).toEqual(places.map(([, at]) => at).sort((a, b) => a - b))
  }
})

test('the Markdown report is what people read', async () => {
  await expect((await toReport(sample())).markdown).toMatchFileSnapshot('report.md')
})

const evil = '<script>alert(1)</script> | `x` [a](javascript:1) **b** &amp; "q" \u001b[31m \u202e'

test('text of others never becomes markup', () => {
  const story: Story = {
    title: evil,
    verdict: 'missed',
    lead: evil,
    sections: [
      {
        heading: evil,
        blocks: [
          { kind: 'paragraph', text: evil },
          { kind: 'list', items: [evil] },
          { kind: 'lines', lines: [evil, '```', '</pre>'] },
          { kind: 'table', columns: [evil], rows: [[evil]] },
        ],
      },
    ],
  }
  const html = toHtml(story)
  expect(html).not.toContain('<script')
  expect(html.match(/&lt;script&gt;/g)).toHaveLength(9)
  for (const char of ['\u001b', '\u202e']) expect(html).not.toContain(char)
  expect(html.match(/<\/pre>/g)).toHaveLength(1)
  const markdown = toMarkdown(story)
  for (const line of markdown.split('\n').filter((each) => !each.startsWith('    '))) {
    expect(line).not.toMatch(/(?<!\\)<|(?<!\\)`|(?<!\\)\[/)
  }
  for (const char of ['\u001b', '\u202e']) expect(markdown).not.toContain(char)
  // a cell stays one cell
  const row = markdown.split('\n').findLast((line) => line.startsWith('| '))
  expect(row?.replaceAll('\\|', '').match(/\|/g)).toHaveLength(2)
})

test('what a step said stands in the report, escaped', async () => {
  const { html } = await toReport(sample(evil))
  expect(html).toContain('&lt;script&gt;')
  expect(html).not.toContain('<script')
})

test('the page loads nothing and runs nothing', async () => {
  const { html } = await toReport(sample())
  expect(html).toContain("default-src 'none'")
  expect(html).not.toMatch(
    /<(script|link|img|iframe|object|embed)|https?:\/\/|url\(|@import|\son\w+=/i,
  )
  expect(html).toContain('prefers-color-scheme: dark')
  expect(html).toContain('@media print')
  expect(html).toContain('width=device-width')
})

test('an audit without verdicts does not claim that anything was met', async () => {
  const plan = buildPlan({ collections: [] })
  const empty = audit({ plan, entries: [], window: { from: 0, to: noon } })
  expect(tellStory(empty).verdict).toBe('unproven')
  expect((await toReport(empty)).markdown).toContain('No objective was judged')
})

test('reports replace each other whole', async () => {
  const disk = new MemoryDisk()
  const first = await writeReport(disk, '/state/reports/r1', await toReport(sample('first')))
  await writeReport(disk, '/state/reports/r1', await toReport(sample('second')))
  expect(first.html).toBe('/state/reports/r1/report.html')
  expect((await disk.readFile(first.html, 1e6)).toString()).toContain('second')
  expect(await disk.list('/state/reports/r1')).toEqual(['report.html', 'report.json', 'report.md'])
})
