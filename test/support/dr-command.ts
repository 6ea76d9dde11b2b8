/** `vectra-dr` inside the test: arguments in, exit code and output out. */
import { mkdir, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { systemTimer } from '../../engine/base/timer.ts'
import { nodeDisk, systemClock } from '../../engine/index.ts'
import { main } from '../../planner/cli/command-line.ts'
import type { Io, Output } from '../../planner/cli/io.ts'
import { temporaryDirectory } from './temporary-directory.ts'

export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** The lines of standard output as objects. */
  objects(): Record<string, unknown>[]
}

const collect = (parts: string[]): Output => ({
  write: async (text) => void parts.push(text),
  isTerminal: false,
  columns: 0,
  rows: 0,
})

export async function dr(
  argv: readonly string[],
  changes: Partial<Io> = {},
): Promise<CommandResult> {
  const stdout: string[] = []
  const stderr: string[] = []
  const never = new AbortController().signal
  const exitCode = await main(argv, {
    stdout: collect(stdout),
    stderr: collect(stderr),
    env: { PATH: process.env['PATH'] },
    clock: systemClock,
    timer: systemTimer,
    disk: nodeDisk,
    stopSignal: never,
    forceSignal: never,
    ...changes,
  })
  return {
    exitCode,
    stdout: stdout.join(''),
    stderr: stderr.join(''),
    objects: () =>
      stdout
        .join('')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
  }
}

/** A small plan with data, in a directory of its own. `change` edits its text. */
export async function smallPlan(change: (text: string) => string = (text) => text): Promise<{
  readonly directory: string
  readonly file: string
  readonly state: string
}> {
  const directory = await temporaryDirectory()
  const points = Array.from({ length: 50 }, (_, i) => ({
    id: i,
    vector: [Math.cos(i), Math.sin(i), 1 + i / 50],
  }))
  await mkdir(path.join(directory, 'data'))
  await writeFile(
    path.join(directory, 'data', 'points.jsonl'),
    points.map((point) => `${JSON.stringify(point)}\n`).join(''),
  )
  const file = path.join(directory, 'small.yaml')
  await writeFile(file, change(planText))
  return { directory, file, state: path.join(directory, '.vectra-dr') }
}

const planText = `version: 1
name: small
owner: somebody
targets:
  local: { engine: vectra, path: ./store }
collections:
  points: { target: local, objectives: { rpo: 15m, rto: 30m, recall: 0.9 }, golden: { sample: 8, k: 3 } }
destinations:
  backups: { url: ./backups }
schedules:
  nightly:
    cron: "0 2 * * *"
    steps:
      - import: { target: local, collection: points, file: ./data/points.jsonl, format: jsonl }
      - backup: { collections: [points], to: backups, id: "points_\${run}" }
drills:
  lost:
    proves: [rpo, rto, recall]
    confirm: true
    steps:
      - drop: { target: local, collection: points, ifExists: true }
      - import: { target: local, collection: points, file: ./data/points.jsonl, format: jsonl }
      - backup: { collections: [points], to: backups, id: "points_\${run}" }
      - inject: { fault: drop-collection, target: local, collection: points }
      - restore: { from: [backups], collection: points, snapshot: latest, into: local, as: points_copy }
      - check: { target: local, collection: points_copy, against: snapshot, count: equal, digest: equal, parity: true, recall: { min: 0.9 } }
    always:
      - drop: { target: local, collection: points_copy, ifExists: true }
`
