import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonValue } from '../../../engine/index.ts'
import {
  decodeLine,
  encodeLine,
  type LedgerEntry,
  startOfLedger,
} from '../../../planner/ledger/ledger-line.ts'
import { type SummableRun, sumRuns, unfold } from '../../../planner/ledger/sum.ts'
import { stepAt } from '../../support/ledger-builder.ts'

const header = { plan: 'test', planSha256: 'a'.repeat(64), gitCommit: null, run: 'last' }
const about = {
  sequence: { kind: 'schedule', name: 'ship' },
  ...{ planFile: 'p.yaml', version: '0.1.0' },
} as const
const iso = (at: number): string => new Date(at).toISOString()

const runWith = (at: number, outputs: JsonValue): SummableRun => ({
  ...{ run: `run-${at}`, at: iso(at), dueAt: iso(at - 1), endedAt: iso(at + 5), durationMs: 5 },
  records: [stepAt(at, at + 5, { outputs: { outputs } })],
})

/** Through the text of the lines and back. */
function throughLines(runs: readonly SummableRun[]): LedgerEntry[] {
  let before = startOfLedger
  return sumRuns(about, runs).flatMap(({ body }) => {
    const { text } = encodeLine(header, body, before, iso(0))
    const line = decodeLine(text, before, 'ledger.jsonl')
    if (typeof line === 'string') throw new Error(line)
    before = { line: line.line, sha256: before.sha256 }
    return unfold(line)
  })
}

test('whatever steps leave comes back as it was, run by run', async () => {
  const value = fc.jsonValue({ maxDepth: 3 }).map((each) => JSON.parse(JSON.stringify(each)))
  const outputs = fc.array(
    fc.oneof(value, fc.constantFrom([], {}, null, '[]', { '[]': 1 }, [[]])),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  await fc.assert(
    fc.asyncProperty(outputs, fc.integer({ min: 0, max: 2e12 }), async (all, start) => {
      const runs = all.map((each, index) => runWith(start + index * 600_000, each as JsonValue))
      const entries = throughLines(runs)
      const records = entries.flatMap((entry) => (entry.kind === 'step' ? [entry.record] : []))
      expect(records).toEqual(runs.flatMap((run) => run.records))
      const started = entries.filter(({ kind }) => kind === 'run-started')
      expect(started.map(({ run, at }) => [run, at])).toEqual(runs.map(({ run, at }) => [run, at]))
      expect(started).toEqual(started.map((each) => ({ ...each, ...about, proves: [] })))
      const ended = entries.filter((entry) => entry.kind === 'run-ended')
      expect(ended.map(({ endedAt }) => endedAt)).toEqual(runs.map(({ endedAt }) => endedAt))
    }),
  )
})

test('instants are kept to the millisecond, and texts that only look like some as they are', () => {
  const texts = [
    '2026-11-26T10:00:00.001Z',
    '2026-11-26T10:00:00Z',
    '2026-02-30T00:00:00.000Z',
    'x',
  ]
  for (const text of texts) {
    const runs = [text, iso(1.7e12)].map((each, index) => runWith(1.7e12 + index, { each }))
    const steps = throughLines(runs).flatMap((each) => (each.kind === 'step' ? each.record : []))
    expect(steps).toEqual(runs.flatMap(({ records }) => records))
  }
})

test('what runs share stands once', () => {
  const same = { collection: 'points', note: 'x'.repeat(500) }
  const runs = [1, 2, 3, 4].map((lsn) => runWith(1e12 + lsn * 1_000, { ...same, lsn }))
  const [sum] = sumRuns(about, runs)
  expect(JSON.stringify(sum?.body).match(/xxx/g)?.length).toBe(Math.floor(500 / 3))
  const paths = sum?.body.columns.flatMap((column) => column.paths)
  expect(paths).toContainEqual(['records', 0, 'outputs', 'outputs', 'lsn'])
  expect(sum?.body.rows).toHaveLength(4)
})

const someday = (at: string | null) => ({ run: 'x', at, endedAt: at, records: [] })
const column = (path: readonly string[], instant = false) => ({ paths: [path], instant })
const when = [column(['at']), column(['endedAt'], true)]

test.each([
  ['a row too short', { rows: [[]] }],
  ['rows that are none', { rows: 'x' }],
  ['a path that leads nowhere', { columns: [column(['nowhere'])], rows: [['x']] }],
  ['a path to a prototype', { columns: [column(['__proto__', 'x'])], rows: [['x']] }],
  ['a column without paths', { columns: [{ paths: [], instant: false }], rows: [['x']] }],
  ['a shape without records', { shape: { run: 'x', at: 'x', endedAt: 'x' } }],
  ['a record that is none', { shape: { ...someday('x'), records: [null] } }],
  ['a shape without a run', { shape: { records: [] }, columns: [], rows: [[]] }],
  ['a start that is no instant', { shape: someday('x'), columns: [], rows: [[]] }],
  ['an instant too far away', { shape: someday(null), columns: when, rows: [[iso(0), 1e15]] }],
  ['an instant that is a text', { shape: someday(null), columns: when, rows: [[iso(0), iso(0)]] }],
])('a sum with %s is no line of a ledger', (_, changes) => {
  const [sum] = sumRuns(about, [runWith(1e12, 1), runWith(1e12 + 1, 2)])
  if (sum === undefined) throw new Error('no sum')
  // as somebody else might have written it
  const body = { ...sum.body, ...changes } as typeof sum.body
  const { text } = encodeLine(header, body, startOfLedger, iso(0))
  expect(decodeLine(text, startOfLedger, 'ledger.jsonl')).toBe('it is no entry of a known kind')
})
