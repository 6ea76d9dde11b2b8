/**
 * `kill -9` of the built command at every step boundary and inside every step of a procedure, each time
 * followed by `resume`: what is there in the end is what an uninterrupted run leaves.
 *
 * A run is killed when it prints the line of an event, some milliseconds later inside a step; the next
 * kill hits the resumed run at its next step, so that one run dies as often as it has steps.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { nodeDisk, systemClock } from '../../engine/index.ts'
import { listSnapshots, openDataDirectory } from '../../engine/operations.ts'
import { readLedger } from '../../planner/ledger/ledger-reader.ts'
import { pastRuns } from '../../planner/run/past-run.ts'
import { tellCount } from '../support/counts.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const cli = fileURLToPath(new URL('../../dist/planner/cli/main.js', import.meta.url))
const seed = Number(process.env['VECTRA_SEED'] ?? 20261128)
/** Runs that are killed at random moments, beside those that are killed at each step. */
const rounds = Number(process.env['VECTRA_KILLS'] ?? 1)

const plan = `version: 1
name: killed
owner: somebody
targets:
  local: { engine: vectra, path: ./store }
collections:
  points: { target: local, golden: { sample: 8, k: 3 } }
  other: { target: local }
destinations:
  backups: { url: ./backups }
  offsite: { url: ./offsite }
schedules:
  whole:
    cron: "0 2 * * *"
    steps:
      - import: { target: local, collection: points, file: ./first.jsonl, format: jsonl }
        id: load
      - backup: { collections: [points], to: backups, id: "first_\${run}" }
        id: first
      - copy: { from: backups, to: offsite }
      - import: { target: local, collection: other, file: ./second.jsonl, format: jsonl }
        id: other
      - drop: { target: local, collection: points }
      - parallel:
          - exec: { command: [node, ./write.mjs, note, "\${steps.first.digest}"], repeatable: true }
            id: note
          - verify: { in: offsite, depth: content }
      - restore: { from: [backups, offsite], collection: points, snapshot: "\${steps.first.snapshot}", into: local }
      - check: { target: local, collection: points, against: snapshot, count: equal, digest: equal, parity: true }
      - restore: { from: [offsite], collection: points, snapshot: latest, into: local, as: other, replace: true }
        id: replaced
      - backup: { collections: [points], to: backups, id: "second_\${run}", mode: full }
        id: second
      - prune: { in: backups, keep: { last: 1 } }
    always:
      - exec: { command: [node, ./write.mjs, end, "\${run.error}."], repeatable: true }
        id: end
`

/** The steps in the order in which they start, of two side by side the first. */
const steps = [
  ...['load', 'first', 'copy', 'other', 'drop', 'note'],
  ...['restore', 'check', 'replaced', 'second', 'prune', 'end'],
]

async function place(): Promise<string> {
  const directory = await temporaryDirectory()
  const random = seededRandom(7)
  const lines = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => {
      const vector = Array.from({ length: 16 }, () => random.next() - 0.5)
      return `${JSON.stringify({ id: from + i, vector, metadata: { i } })}\n`
    }).join('')
  await mkdir(join(directory, 'made'))
  await writeFile(join(directory, 'first.jsonl'), lines(0, 1_500))
  await writeFile(join(directory, 'second.jsonl'), lines(1_000, 1_500))
  await writeFile(join(directory, 'plan.yaml'), plan)
  await writeFile(
    join(directory, 'write.mjs'),
    `import { renameSync, writeFileSync } from 'node:fs'
     const [name, text] = process.argv.slice(2)
     writeFileSync('made/.' + name, text)
     renameSync('made/.' + name, 'made/' + name)`,
  )
  return directory
}

type Event = Readonly<Record<string, unknown>>
interface Ended {
  readonly exitCode: number | null
  readonly wasKilled: boolean
  readonly stderr: string
}

/** Runs the command; `onEvent` sees each line that it prints, and may kill it. */
async function command(
  directory: string,
  words: readonly string[],
  onEvent: (event: Event, child: ChildProcess) => void = () => {},
): Promise<Ended> {
  const child = spawn(process.execPath, [cli, ...words, 'plan.yaml', '--json'], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    stderr += part
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{') && line.endsWith('}')) onEvent(JSON.parse(line) as Event, child)
  })
  const [exitCode, signal] = (await once(child, 'close')) as [number | null, string | null] // its documented arguments
  return { exitCode, wasKilled: signal === 'SIGKILL', stderr }
}

/** Goes on with the run; a program that outlived its run is waited for, as the hint says. */
async function resume(directory: string, onEvent?: Parameters<typeof command>[2]): Promise<Ended> {
  for (;;) {
    const ended = await command(directory, ['resume'], onEvent)
    if (ended.exitCode !== 11 || !ended.stderr.includes('still runs as process')) return ended
  }
}

const ledgerOf = (directory: string) =>
  readLedger(nodeDisk, join(directory, '.vectra-dr', 'ledger.jsonl'))

/** Whether the process died inside a step, by the word of the ledger. */
async function diedInside(directory: string): Promise<boolean> {
  const { entries, problem } = await ledgerOf(directory)
  expect(problem).toBeUndefined()
  return (pastRuns('killed', entries)[0]?.open.length ?? 0) > 0
}

/** Whether the run has its end, by the word of the ledger. */
async function hasEnded(directory: string): Promise<boolean> {
  const { entries, problem } = await ledgerOf(directory)
  expect(problem).toBeUndefined()
  return pastRuns('killed', entries)[0]?.outcome !== undefined
}

/** Everything that the run was to bring about, its own id left out. */
async function endState(directory: string) {
  const { entries, problem } = await ledgerOf(directory)
  expect(problem).toBeUndefined()
  const [run, ...others] = pastRuns('killed', entries)
  expect(others).toEqual([])
  const plain = (text: string) => text.replaceAll(run?.run ?? 'no run', 'RUN')
  const store = await openDataDirectory(join(directory, 'store'), {
    disk: nodeDisk,
    clock: systemClock,
    create: false,
  })
  const collections: object[] = []
  for (const name of store.names()) {
    const collection = await store.open(name)
    const { count, digest, aliases } = collection
    expect(await collection.proveDigest()).toBe(digest)
    collections.push({ name, count, digest, aliases })
  }
  await store.close()
  const catalogue = await readFile(join(directory, 'store', 'catalogue.json'), 'utf8')
  const repositories: object[] = []
  for (const name of ['backups', 'offsite']) {
    const list = await listSnapshots({ source: join(directory, name), disk: nodeDisk })
    const { strangers, unreadable } = list
    const snapshots = list.snapshots.map(({ snapshotId, count, digest }) => ({
      snapshotId: plain(snapshotId),
      count,
      digest,
    }))
    repositories.push({ name, snapshots, strangers, unreadable })
  }
  const made: Record<string, string> = {}
  for (const name of (await readdir(join(directory, 'made'))).sort()) {
    made[name] = await readFile(join(directory, 'made', name), 'utf8')
  }
  const records = new Map(run?.records.map((each) => [`${each.stage}/${each.step}`, each.outcome]))
  return {
    outcome: run?.outcome,
    open: run?.open,
    records: Object.fromEntries([...records].sort()),
    collections,
    leftovers: catalogue.includes('"leftovers":[]'),
    repositories,
    made,
  }
}

test('case 1, case 10, case 11: kill -9 at every step boundary and inside every step, then resume', {
  timeout: 120_000 + 60_000 * rounds,
}, async () => {
  const random = seededRandom(seed)
  const whole = await place()
  const started = performance.now()
  expect(await command(whole, ['run'])).toMatchObject({ exitCode: 0, stderr: '' })
  const tookMs = performance.now() - started
  const expected = await endState(whole)
  expect(expected).toMatchObject({ outcome: 'passed', open: [], leftovers: true })

  let kills = 0
  let inside = 0
  const killed = async (directory: string, ended: Ended) => {
    // a kill may come behind the end of the run, while its reports are written: nothing is left to resume
    const isOver = ended.exitCode === 14 && (await hasEnded(directory))
    if (ended.wasKilled) kills += 1
    else if (!isOver) expect(ended, ended.stderr).toMatchObject({ exitCode: 0 })
    if (ended.wasKilled && (await diedInside(directory))) inside += 1
    return ended.wasKilled
  }

  /** Dies at each step in turn: right after its end was written, or some time after it began. */
  const atEachStep = async (boundary: 'step-ended' | 'step-started') => {
    const directory = await place()
    let ended: Ended | undefined
    for (const step of steps) {
      const delayMs = boundary === 'step-ended' ? 0 : random.integer(60)
      const onEvent = (event: Event, child: ChildProcess) => {
        if (event['event'] !== boundary || event['step'] !== step || event['earlier']) return
        if (delayMs === 0) child.kill('SIGKILL')
        else setTimeout(() => child.kill('SIGKILL'), delayMs)
      }
      ended = await (ended === undefined
        ? command(directory, ['run'], onEvent)
        : resume(directory, onEvent))
      // one that outran its last kill is at its end
      if (!(await killed(directory, ended))) break
    }
    if (ended?.wasKilled) await killed(directory, await resume(directory))
    expect(await endState(directory), boundary).toEqual(expected)
  }

  const atRandomMoments = async (round: number) => {
    const directory = await place()
    for (let attempt = 0; ; attempt++) {
      const afterMs = random.integer(Math.ceil(tookMs / 2))
      const onEvent = (event: Event, child: ChildProcess) => {
        // until then there is nothing to resume
        if (event['event'] !== 'run-started' || attempt >= 6) return
        setTimeout(() => child.kill('SIGKILL'), afterMs)
      }
      const ended = await (attempt === 0
        ? command(directory, ['run'], onEvent)
        : resume(directory, onEvent))
      if (!(await killed(directory, ended))) break
    }
    expect(await endState(directory), `round ${round}`).toEqual(expected)
  }

  await Promise.all([atEachStep('step-ended'), atEachStep('step-started')])
  for (let round = 0; round < rounds; round++) await atRandomMoments(round)
  console.log(`kill -9 of a run: ${kills}, ${inside} of them inside a step, seed ${seed}`)
  tellCount({ kind: 'kill -9', what: 'a procedure, then resumed', count: kills, seed })
  expect(kills).toBeGreaterThan(20)
  expect(inside).toBeGreaterThan(6)
})
