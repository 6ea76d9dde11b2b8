import { beforeAll, expect, test } from 'vitest'
import { type Audit, audit } from '../../../planner/audit/audit.ts'
import { toCsv } from '../../../planner/report/csv.ts'
import { quarter, quarterLedger, quarterPlan } from '../../support/quarter-ledger.ts'
import { planOf } from '../../support/sound-plan.ts'

let judged: Audit
beforeAll(async () => {
  const plan = await planOf(quarterPlan)
  judged = audit({ plan, entries: quarterLedger(), window: quarter })
})

/** A reader of RFC 4180. */
function parse(text: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, quoted, plain, end] of text.matchAll(
    /(?:"((?:[^"]|"")*)"|([^,"\r\n]*))(,|\r\n)/g,
  )) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
    if (end !== ',') rows.push([])
  }
  return rows.slice(0, -1)
}

test('every row has all columns, and figures are those of the audit', () => {
  const [head, ...rows] = parse(toCsv(judged))
  expect(head).toEqual([
    ...['section', 'collection', 'subject', 'figure', 'value', 'unit', 'at', 'verdict'],
  ])
  expect(rows.every((row) => row.length === 8)).toBe(true)
  const value = (section: string, subject: string, figure: string) =>
    rows.find((row) => row[0] === section && row[2] === subject && row[3] === figure)?.[4]
  expect(value('exposure', 'node disk region account', 'worst')).toBe(
    String((48 * 60 + 39) * 60_000),
  )
  expect(value('exposure', 'vendor', 'worst')).toBe('')
  expect(value('schedule', 'schedule nightly', 'missed')).toBe('1')
  expect(value('recovery', 'drill-2026-11-01', 'rto')).toBe('1200000')
  expect(value('rto', 'drills', 'median')).toBe('960000')
  expect(rows.filter(([section]) => section === 'finding')).toHaveLength(24)
})

test('text with commas, quotes and line ends stays one cell, and nothing begins like a formula', () => {
  const [verdict] = judged.verdicts
  const collection = '=cmd|"/c calc",\r\nx'
  const told = { ...judged, verdicts: verdict === undefined ? [] : [{ ...verdict, collection }] }
  const text = toCsv(told)
  expect(parse(text)[1]?.[1]).toBe(`'${collection}`)
  expect(text.endsWith('\r\n')).toBe(true)
})
