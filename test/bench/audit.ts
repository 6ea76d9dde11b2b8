/**
 * An audit over a year of ledger, with the built binary: time and the most memory (VmHWM), against proving the same
 * ledger with `ledger verify`. Each collection has a nightly backup, verification and copy, and an archive run every
 * `--hours`, in a line that sums up its hour.
 *
 * Options: `--collections N --days N --hours N --directory DIR`. At full size (50, 365, 3: 584,000 entries) it exits 1
 * above 10 s or 1 GiB.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  encodeLine,
  type LedgerBody,
  type LineBefore,
  startOfLedger,
} from '../../planner/ledger/ledger-line.ts'
import { type SummableRun, sumRuns } from '../../planner/ledger/sum.ts'
import type { RunsSummed } from '../../planner/ledger/sum-line.ts'
import type { StepRecord } from '../../planner/step/record.ts'
import { stepAt } from '../support/ledger-builder.ts'
import { describeRun, duration, table, times } from './report.ts'

const { values } = parseArgs({
  options: {
    collections: { type: 'string', default: '50' },
    days: { type: 'string', default: '365' },
    hours: { type: 'string', default: '3' },
    directory: { type: 'string', default: tmpdir() },
  },
})
const [collections, days, hours] = [values.collections, values.days, values.hours].map(Number)
const binary = fileURLToPath(new URL('../../dist/planner/cli/main.js', import.meta.url))
const aim = { ms: 10_000, peakMiB: 1_024, entries: 500_000 }
const minute = 60_000
const hour = 60 * minute
const start = Date.UTC(2026, 0, 1)
const names = Array.from({ length: collections ?? 0 }, (_, index) => `c${index + 1}`)
const iso = (at: number): string => new Date(at).toISOString()

const planText = `version: 1
name: year
owner: somebody
targets:
  primary: { engine: vectra, path: ./data, node: a1, region: here }
destinations:
  near: { url: ./near, node: a1, region: here }
  far: { url: ./far, node: b1, region: there }
collections:
${names.map((name) => `  ${name}: { target: primary, objectives: { rpo: 4h } }`).join('\n')}
schedules:
${names
  .map(
    (name, index) => `  log-${name}:
    every: ${hours}h
    steps:
      - archive: { collections: [${name}], to: far }
  night-${name}:
    cron: "${index} 2 * * *"
    steps:
      - backup: { collections: [${name}], to: near }
      - verify: { in: near, collection: ${name}, snapshot: latest }
      - copy: { from: near, to: far, collection: ${name}, snapshot: latest }`,
  )
  .join('\n')}
`

const position = (name: string, lsn: number, at: number) => ({
  ...{ uuid: name, history: 'h', epoch: 1, lsn, count: lsn },
  ...{ committedAt: iso(at - 1_000), observedAt: iso(at) },
})

function archiveRun(name: string, lsn: number, at: number): SummableRun {
  const records = [
    stepAt(at, at + 2_000, {
      ...{ step: 'archive', kind: 'archive', inputs: { collections: [name], to: 'far' } },
      outputs: {
        destination: 'far',
        archives: [
          {
            ...{ collection: name, target: 'primary', files: 1, records: 10, bytes: 4_096, lsn },
            ...{ restorable: true, readBack: { firstLsn: lsn - 9, lastLsn: lsn } },
            position: position(name, lsn, at),
          },
        ],
        ...{ files: 1, records: 10, bytes: 4_096, lsn },
      },
    }),
  ]
  const ended = iso(at + 2_100)
  return {
    run: `log-${name}-${at}`,
    ...{ at: iso(at), dueAt: iso(at), endedAt: ended, durationMs: 2_100, records },
  }
}

function nightSteps(name: string, lsn: number, at: number): StepRecord[] {
  const id = `night-${iso(at).slice(0, 10)}`
  const step = (minutes: number, changes: Partial<StepRecord>) =>
    stepAt(at + (minutes - 1) * minute, at + minutes * minute, changes)
  return [
    step(1, {
      ...{ step: 'backup', kind: 'backup' },
      outputs: {
        destination: 'near',
        snapshots: [
          {
            ...{ collection: name, target: 'primary', snapshotId: id, lsn, count: lsn },
            ...{ totalBytes: 1e9, storedBytes: 1e6, position: position(name, lsn, at) },
          },
        ],
      },
    }),
    step(2, {
      ...{ step: 'verify', kind: 'verify' },
      outputs: {
        ...{ destination: 'near', depth: 'objects', readShare: 1 },
        verified: [{ collection: name, snapshotId: id, ok: true, lsn }],
      },
    }),
    step(3, {
      ...{ step: 'copy', kind: 'copy' },
      outputs: {
        ...{ from: 'near', to: 'far', copied: 1, present: 0, failed: 0 },
        snapshots: [{ collection: name, snapshotId: id, readShare: 1 }],
      },
    }),
  ]
}

async function writeLedger(file: string): Promise<{ lines: number; entries: number }> {
  const handle = await open(file, 'w')
  let last: LineBefore = startOfLedger
  let texts: string[] = []
  let unfolded = 0
  const add = (run: string, body: LedgerBody | RunsSummed, at: number): void => {
    const header = { plan: 'year', planSha256: '5'.repeat(64), gitCommit: null, run }
    const { text, entry } = encodeLine(header, body, last, iso(at))
    last = { line: entry.line, sha256: createHash('sha256').update(text).digest('hex') }
    texts.push(text)
  }
  for (let at = start, lsn = 10; at < start + (days ?? 0) * 24 * hour; at += hour) {
    const first = lsn
    for (const [index, name] of names.entries()) {
      lsn = first
      const night = at + index * minute
      if (new Date(at).getUTCHours() === 2) {
        const run = `night-${name}-${night}`
        const sequence = { kind: 'schedule', name: `night-${name}` } as const
        const file = { planFile: 'plan.yaml', version: '0.1.0', dueAt: iso(night) }
        add(run, { kind: 'run-started', sequence, proves: [], ...file }, night)
        for (const record of nightSteps(name, lsn - 1, night)) {
          const { step, kind, inputs } = record
          const begun = Date.parse(record.startedAt)
          add(run, { kind: 'step-started', stage: 'steps', step, stepKind: kind, inputs }, begun)
          add(run, { kind: 'step', record }, Date.parse(record.endedAt))
        }
        const span = {
          startedAt: iso(night),
          endedAt: iso(night + 3 * minute),
          durationMs: 3 * minute,
        }
        add(run, { kind: 'run-ended', outcome: 'passed', ...span }, night + 3 * minute)
      }
      if (((at - start) / hour) % (hours ?? 1) !== 0) continue
      lsn += 10
      const made = archiveRun(name, lsn, at)
      const sequence = { kind: 'schedule', name: `log-${name}` } as const
      const about = { sequence, planFile: 'plan.yaml', version: '0.1.0' }
      for (const { body } of sumRuns(about, [made])) add(made.run, body, at + hour - 1)
      // its start and its end
      unfolded += 2
    }
    if (texts.length < 20_000) continue
    await handle.write(`${texts.join('\n')}\n`)
    texts = []
  }
  if (texts.length > 0) await handle.write(`${texts.join('\n')}\n`)
  await handle.close()
  const head = { head: 1, line: last.line, sha256: last.sha256 }
  await writeFile(`${file}.head`, `${JSON.stringify(head)}\n`)
  return { lines: last.line, entries: last.line + unfolded }
}

async function measure(...command: string[]): Promise<{ ms: number; peakMiB: number }> {
  const begun = performance.now()
  const child = spawn(process.execPath, [binary, ...command], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  let peakMiB = 0
  const look = async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
    peakMiB = Math.max(peakMiB, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
  }
  const poll = setInterval(() => void look(), 20)
  const [code] = await once(child, 'close')
  clearInterval(poll)
  // 3: objectives are unproven, for nobody ran a drill
  if (code !== 0 && code !== 3) throw new Error(`vectra-dr ${command.join(' ')}: exit code ${code}`)
  return { ms: performance.now() - begun, peakMiB }
}

const root = await mkdtemp(join(values.directory, 'vectra-audit-'))
try {
  const plan = join(root, 'plan.yaml')
  await writeFile(plan, planText)
  const state = join(root, 'state')
  await mkdir(state)
  const ledger = join(state, 'ledger.jsonl')
  const { lines, entries } = await writeLedger(ledger)
  const { size } = await stat(ledger)
  const end = iso(start + (days ?? 0) * 24 * hour)
  const verified = await measure('ledger', 'verify', plan, '--state', state)
  const window = ['--from', iso(start), '--to', end]
  const audited = await measure('audit', plan, '--state', state, ...window)
  const row = (name: string, { ms, peakMiB }: typeof audited) => [
    ...[name, duration(ms), `${peakMiB.toFixed(0)} MiB`, times(ms / verified.ms)],
  ]
  console.log(
    `${describeRun()}\n${entries.toLocaleString('en')} entries in ${lines.toLocaleString('en')} lines, ${(size / 2 ** 20).toFixed(0)} MiB, ${names.length} collections\n`,
  )
  console.log(
    table([
      ['command', 'time', 'peak memory', '÷ ledger verify'],
      row('ledger verify', verified),
      row('audit', audited),
    ]),
  )
  const isFull = entries >= aim.entries
  if (isFull && (audited.ms > aim.ms || audited.peakMiB > aim.peakMiB)) process.exitCode = 1
} finally {
  await rm(root, { recursive: true, force: true })
}
