/** What only a process of its own can show: start time, signals, pipes that close, full disks. */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { beforeAll, describe, expect, it } from 'vitest'
import { suiteDirectory } from '../support/temporary-directory.ts'
import { bash, binDirectory, type ShellRun, scriptEnvironment } from './vectra-cli.ts'

const suite = suiteDirectory()
let env: Record<string, string>
const sh = (script: string): Promise<ShellRun> => bash(script, { cwd: suite.path, env })

const lines = (count: number) =>
  Array.from({ length: count }, (_, id) => `${JSON.stringify({ id, vector: [1, id] })}\n`).join('')

beforeAll(async () => {
  env = scriptEnvironment(await binDirectory(suite.path), join(suite.path, 'data'))
  await writeFile(join(suite.path, 'points.jsonl'), lines(20_000))
  const made = await sh('vectra-cli collections import points points.jsonl --index flat')
  expect(made.exitCode).toBe(0)
})

describe('vectra-cli', () => {
  it('starts its help in less than four times what node alone needs, whatever else runs', async () => {
    const help: number[] = []
    const node: number[] = []
    for (let run = 0; run < 7; run++) {
      help.push((await execa('vectra-cli', ['--help'], { env })).durationMs)
      node.push((await execa(process.execPath, ['-e', '0'])).durationMs)
    }
    expect(Math.min(...help) / Math.min(...node)).toBeLessThan(4)
  })

  it('ends quietly when the reader of its output goes away', async () => {
    const run = await sh(
      'vectra-cli collections export points | head -n 1; echo "exit ${PIPESTATUS[0]}"',
    )
    expect(run.stdout).toBe('{"id":0,"vector":[1,0],"metadata":{}}\nexit 141')
    expect(run.stderr).toBe('')
    const counted = await sh('vectra-cli collections list | true; echo "exit ${PIPESTATUS[0]}"')
    expect([counted.stdout, counted.stderr]).toEqual(['exit 0', ''])
  })

  it('fails when its output cannot be written', async () => {
    const { exitCode, stderr } = await sh('vectra-cli collections count points > /dev/full')
    expect(exitCode).toBe(12)
    expect(stderr).toMatch(/^error: cannot write standard output: ENOSPC\nhint: /)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'undoes a first import at %s, gives the lock back and exits %i',
    async (signal, code) => {
      const child = execa('vectra-cli', ['collections', 'import', 'half', '-', '--batch', '100'], {
        env,
        reject: false,
        stdin: 'pipe',
      })
      child.stdin?.write(lines(1_000))
      await until(async () => (await sh('grep -q half data/catalogue.json')).exitCode === 0)
      child.kill(signal)
      const { exitCode, stderr } = await child
      expect(exitCode).toBe(code)
      expect(stderr).toMatch(
        new RegExp(`^error: stopped by ${signal} \\(nothing was imported.*\\)\nhint: `, 'm'),
      )
      expect(existsSync(join(suite.path, 'data', 'LOCK'))).toBe(false)
      const { stdout } = await sh('vectra-cli collections list --json')
      expect(stdout).not.toContain('half')
    },
  )
})

/** Asks until it is so; the test's time limit ends it otherwise. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition()));
}
