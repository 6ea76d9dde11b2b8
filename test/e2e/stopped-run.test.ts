/** The built `vectra-dr` told to stop: once, twice, and killed while it cleans up; what `resume` makes of that. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const cli = fileURLToPath(new URL('../../dist/planner/cli/main.js', import.meta.url))

const plan = `version: 1
name: stopped
owner: somebody
targets: { local: { engine: vectra, path: ./store } }
collections: { points: { target: local } }
destinations: { backups: { url: ./backups } }
schedules:
  slow:
    cron: "0 2 * * *"
    steps:
      - exec: { command: [node, ./step.mjs, work] }
        id: work
      - exec: { command: [node, ./step.mjs, never] }
        id: never
    always:
      - exec: { command: [node, ./step.mjs, tidy], repeatable: true }
        id: tidy
      - exec: { command: [node, ./step.mjs, last] }
        id: last
`

/** `waits`: steps that go on for ever; `deaf`: they do not listen to a polite wish to end. */
async function place(waits: readonly string[], deaf = false): Promise<string> {
  const directory = await temporaryDirectory()
  await writeFile(join(directory, 'plan.yaml'), plan)
  await waitIn(directory, waits, deaf)
  return directory
}

const waitIn = (directory: string, waits: readonly string[], deaf = false): Promise<void> =>
  writeFile(
    join(directory, 'step.mjs'),
    `import { appendFileSync } from 'node:fs'
     if (${deaf}) process.on('SIGTERM', () => {})
     appendFileSync('ran', process.argv[2] + '\\n')
     console.log('up')
     if (${JSON.stringify(waits)}.includes(process.argv[2])) setInterval(() => {}, 1000)`,
  )

interface Running {
  readonly child: ChildProcess
  /** Resolves when the program of the step is up. */
  up(step: string): Promise<void>
  readonly ended: Promise<{ readonly exitCode: number | null; readonly stderr: string }>
}

function start(directory: string, ...words: readonly string[]): Running {
  const child = spawn(process.execPath, [cli, ...words, 'plan.yaml', '--json'], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    stderr += part
  })
  const said = new Set<string>()
  let wake = () => {}
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line) as Record<string, unknown>
    if (event['event'] === 'remark' && event['text'] === 'up') said.add(String(event['step']))
    wake()
  })
  const ended = once(child, 'close').then(([exitCode]) => ({
    exitCode: exitCode as number | null, // its documented arguments
    stderr,
  }))
  const up = async (step: string) => {
    while (!said.has(step)) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return { child, up, ended }
}

const ran = async (directory: string): Promise<string> =>
  (await readFile(join(directory, 'ran'), 'utf8')).trimEnd().replaceAll('\n', ' ')

async function lastLines(directory: string, count: number): Promise<string[]> {
  const text = await readFile(join(directory, '.vectra-dr', 'ledger.jsonl'), 'utf8')
  const entries = text
    .trimEnd()
    .split('\n')
    .slice(-count)
    .map((line) => JSON.parse(line))
  return entries.map(({ kind, record, outcome }) =>
    kind === 'step' ? `${record.step} ${record.outcome}` : `${kind} ${outcome ?? ''}`.trim(),
  )
}

test('SIGTERM stops at once, cleans up, is recorded, exits 143, and leaves nothing to resume', async () => {
  const directory = await place(['work'])
  const run = start(directory, 'run')
  await run.up('work')
  run.child.kill('SIGTERM')
  expect(await run.ended).toMatchObject({ exitCode: 143 })
  expect(await ran(directory)).toBe('work tidy last')
  const lines = await lastLines(directory, 20)
  expect(lines.filter((line) => !/^step-|^run-started/.test(line))).toEqual([
    'work cancelled',
    'run-stopping',
    'never skipped',
    'tidy passed',
    'last passed',
    'run-ended interrupted',
  ])
  expect(await start(directory, 'resume').ended).toMatchObject({ exitCode: 14 })
})

test('a second signal kills what does not listen, in the clean-up too', async () => {
  const directory = await place(['work', 'tidy'], true)
  const run = start(directory, 'run')
  await run.up('work')
  run.child.kill('SIGTERM')
  run.child.kill('SIGINT')
  // which of two that come together is the first is the kernel's choice
  expect([130, 143]).toContain((await run.ended).exitCode)
  expect(await ran(directory)).toBe('work')
  expect((await lastLines(directory, 1))[0]).toBe('run-ended interrupted')
})

test('killed while it cleans up after a signal, it is resumed to clean up, and still was interrupted', async () => {
  const directory = await place(['work', 'tidy'])
  const run = start(directory, 'run')
  await run.up('work')
  run.child.kill('SIGINT')
  await run.up('tidy')
  run.child.kill('SIGKILL')
  await run.ended
  // what the dead process started outlives it
  const refused = await start(directory, 'resume').ended
  expect(refused).toMatchObject({ exitCode: 11 })
  const pid = Number(/still runs as process (\d+)/.exec(refused.stderr)?.[1])
  process.kill(-pid, 'SIGKILL')
  await waitIn(directory, [])
  const resumed = await start(directory, 'resume').ended
  expect(resumed.exitCode).toBe(130)
  expect(resumed.stderr).toContain('error: stopped by SIGINT; the clean-up is done now')
  expect(await ran(directory)).toBe('work tidy tidy last')
  expect((await lastLines(directory, 1))[0]).toBe('run-ended interrupted')
})
