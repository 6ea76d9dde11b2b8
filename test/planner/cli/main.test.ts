import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { dr, smallPlan } from '../../support/dr-command.ts'
import { until } from '../../support/until.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const loader = new URL('../../support/typescript-loader.mjs', import.meta.url).href

/** The command as a process of its own, from source. */
function start(argv: readonly string[]): ChildProcess & { said(): string } {
  const child = spawn(
    process.execPath,
    ['--import', loader, path.join(root, 'planner/cli/main.ts'), ...argv],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
  }
  onTestFinished(() => void child.kill('SIGKILL'))
  return Object.assign(child, { said: () => text })
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** A drill whose first step says its process id and then goes on for ever. */
const waiting = (stubborn: boolean, inCleanUp = false) =>
  smallPlan((text) => {
    const trap = stubborn ? "process.on('SIGTERM', () => {}); " : ''
    const code = `${trap}console.log('pid ' + process.pid); setInterval(() => {}, 1000)`
    const step = `- exec: { command: [node, -e, "${code}"] }\n        id: wait`
    return inCleanUp
      ? text.replace('    always:\n', `    always:\n      ${step}\n`)
      : text.replace('    steps:\n      - drop:', `    steps:\n      ${step}\n      - drop:`)
  })

const hasPid = (text: string): boolean => /pid \d/.test(text)
const pidIn = (text: string): number => Number(/pid (\d+)/.exec(text)?.[1])

const ledgerOf = async (state: string) =>
  (await readFile(path.join(state, 'ledger.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends the step, runs the clean-up, and exits %i', async (signal, exitCode) => {
  const { file, state } = await waiting(false)
  const child = start(['drill', file, '--yes'])
  await until(() => hasPid(child.said()))
  const pid = pidIn(child.said())
  child.kill(signal)
  const [code] = await once(child, 'close')
  expect(code).toBe(exitCode)
  expect(alive(pid)).toBe(false)
  expect(child.said()).toContain('ok      drop')
  const entries = await ledgerOf(state)
  expect(entries.at(-1)).toMatchObject({ kind: 'run-ended', outcome: 'interrupted' })
  const [ended] = entries.filter(({ kind }) => kind === 'step')
  expect(ended).toMatchObject({ record: { step: 'wait', outcome: 'cancelled' } })
})

test('a second signal kills what does not listen, also in the clean-up', async () => {
  const { file, state } = await waiting(true, true)
  const child = start(['drill', file, '--yes'])
  await until(() => hasPid(child.said()))
  const pid = pidIn(child.said())
  child.kill('SIGINT')
  child.kill('SIGTERM')
  const [code] = await once(child, 'close')
  expect([130, 143]).toContain(code)
  await until(() => !alive(pid))
  expect((await ledgerOf(state)).at(-1)).toMatchObject({ outcome: 'interrupted' })
})

test('case 36: after a kill the next run takes the lock over, and the ledger still holds', async () => {
  const { file, state } = await waiting(false)
  const child = start(['drill', file, '--yes'])
  await until(() => hasPid(child.said()))
  const pid = pidIn(child.said())

  const meanwhile = await dr(['drill', file, '--yes'])
  expect(meanwhile.exitCode).toBe(11)
  expect(meanwhile.stderr).toContain(`process ${child.pid}`)

  child.kill('SIGKILL')
  await once(child, 'close')
  process.kill(pid, 'SIGKILL')
  const next = await dr(['run', file])
  expect(next.exitCode).toBe(0)
  expect((await dr(['ledger', 'verify', file])).exitCode).toBe(0)
  const outcomes = (await ledgerOf(state)).filter(({ kind }) => kind === 'run-ended')
  expect(outcomes).toHaveLength(1)
})
