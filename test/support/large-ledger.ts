/** A ledger of any size on a real disk: nightly runs, archive runs and drills of one plan, one after the other. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import {
  encodeLine,
  type LedgerBody,
  type LineBefore,
  startOfLedger,
} from '../../planner/ledger/ledger-line.ts'
import type { StepRecord } from '../../planner/step/record.ts'
import { stepAt } from './ledger-builder.ts'

const uuid = '7b3cfa52-0d51-4d0e-9a53-0c5d2f7f6a10'
const history = '1f0e5a3c9d7b4e21'
const stepMs = 2_000
const everyMs = 5 * 60_000

const iso = (at: number): string => new Date(at).toISOString()

const position = (lsn: number, at: number) => ({
  ...{ uuid, history, lsn, epoch: 1, count: lsn },
  committedAt: iso(at - 1_000),
  observedAt: iso(at),
})

/** Some 800 bytes a line, as real runs have it. */
function stepsOf(name: string, run: string, lsn: number, at: number): StepRecord[] {
  const long = 'what a step says of itself while it runs, and what it was given to work with, '
  const step = (changes: Partial<StepRecord>) =>
    stepAt(at, at + stepMs, { stage: 'steps', remarks: [long.repeat(6)], ...changes })
  const backup = {
    collection: 'points',
    snapshotId: run,
    lsn,
    position: position(lsn, at),
    manifest: { path: `snapshots/points/${run}.json`, sha256: 'c'.repeat(64) },
  }
  return name === 'archive'
    ? [
        step({
          ...{ step: 'archive', kind: 'archive' },
          inputs: { collections: ['points'], to: 'backups' },
          outputs: {
            destination: 'backups',
            archives: [{ collection: 'points', position: position(lsn, at), lsn, records: 10 }],
            ...{ files: 1, records: 10, bytes: 4_096, lsn },
          },
        }),
      ]
    : [
        step({
          ...{ step: 'backup', kind: 'backup' },
          inputs: { collections: ['points'], to: 'backups', note: long.repeat(6) },
          outputs: { destination: 'backups', snapshots: [backup] },
        }),
        step({
          ...{ step: 'verify', kind: 'verify' },
          inputs: { in: 'backups', collection: 'points', snapshot: 'latest', note: long.repeat(6) },
          outputs: {
            ...{ destination: 'backups', depth: 'objects', readShare: 1 },
            verified: [{ collection: 'points', snapshotId: run, ok: true, lsn }],
          },
        }),
      ]
}

/**
 * Writes a ledger of at least `lines` lines, with its head; ends with the end of a run.
 * @param plan its name
 * @returns how it ends, and when: epoch milliseconds
 */
export async function writeLargeLedger(
  file: string,
  plan: string,
  lines: number,
): Promise<{ readonly last: LineBefore; readonly at: number }> {
  const handle = await open(file, 'w')
  let last = startOfLedger
  let at = Date.parse('2026-01-01T00:00:00Z')
  let texts: string[] = []
  const add = (run: string, body: LedgerBody) => {
    const header = { plan, planSha256: '5'.repeat(64), gitCommit: null, run }
    const { text, entry } = encodeLine(header, body, last, iso(at))
    last = { line: entry.line, sha256: createHash('sha256').update(text).digest('hex') }
    texts.push(text)
  }
  for (let index = 0; last.line < lines; index++) {
    const run = `run-${String(index).padStart(7, '0')}`
    const startedAt = at
    const name = index % 4 === 0 ? 'nightly' : 'archive'
    const isDrill = index % 500 === 499
    add(run, {
      kind: 'run-started',
      sequence: isDrill ? { kind: 'drill', name: 'lost' } : { kind: 'schedule', name },
      proves: isDrill ? ['rpo', 'rto', 'recall'] : [],
      ...{ planFile: 'small.yaml', version: '0.1.0', dueAt: iso(at) },
    })
    for (const record of stepsOf(name, run, index, at)) {
      const { step, kind, inputs } = record
      add(run, { kind: 'step-started', stage: 'steps', step, stepKind: kind, inputs })
      at += stepMs
      add(run, { kind: 'step', record })
    }
    const times = { startedAt: iso(startedAt), endedAt: iso(at), durationMs: at - startedAt }
    add(run, { kind: 'run-ended', outcome: 'passed', ...times })
    at = startedAt + everyMs
    if (texts.length > 5_000 || last.line >= lines) {
      await handle.write(`${texts.join('\n')}\n`)
      texts = []
    }
  }
  await handle.close()
  const head = await open(`${file}.head`, 'w')
  await head.write(`${JSON.stringify({ head: 1, line: last.line, sha256: last.sha256 })}\n`)
  await head.close()
  return { last, at }
}
