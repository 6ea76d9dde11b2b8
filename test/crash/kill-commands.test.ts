/** `kill -9` of a backup and of a restore, at random moments: the next attempt completes, nothing half counts. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { describe, expect, test } from 'vitest'
import { tellCount } from '../support/counts.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { suiteDirectory } from '../support/temporary-directory.ts'
import { wordsDirectory } from '../support/words.ts'

const cli = fileURLToPath(new URL('../../dist/engine/cli/main.js', import.meta.url))
const kills = Number(process.env['VECTRA_KILLS'] ?? 20)
const suite = suiteDirectory()

const run = (line: string) =>
  execa(process.execPath, [cli, ...line.split(' ')], { reject: false, stdin: 'ignore' })

async function succeed(line: string): Promise<string> {
  const { exitCode, stdout, stderr } = await run(line)
  expect(exitCode, `${line}\n${stderr}`).toBe(0)
  return stdout
}

/** Starts the command and kills it `afterMs` later. @returns whether it was killed before it ended */
async function kill(line: string, afterMs: number): Promise<boolean> {
  const child = spawn(process.execPath, [cli, ...line.split(' ')], { stdio: 'ignore' })
  const timer = setTimeout(() => child.kill('SIGKILL'), afterMs)
  const [, signal] = (await once(child, 'close')) as [number | null, string | null] // its documented arguments
  clearTimeout(timer)
  return signal === 'SIGKILL'
}

const digestOf = async (data: string) =>
  /[0-9a-f]{64}/.exec(await succeed(`--data ${data} collections describe words --json`))?.[0]

describe('a command that is killed', () => {
  test(`case 10, case 11: backup and restore, ${2 * kills} attempts`, {
    timeout: 580_000 + 20_000 * kills,
  }, async () => {
    const words = fileURLToPath(wordsDirectory)
    const source = join(suite.path, 'source')
    const files = `${words}words-10k.f32 --dimension 100 --metadata ${words}words-10k.jsonl`
    await succeed(`--data ${source} collections import words ${files}`)
    const digest = await digestOf(source)
    const seed = 20261124
    const random = seededRandom(seed)
    let killed = 0

    for (let attempt = 0; attempt < kills; attempt++) {
      const repository = join(suite.path, `repository-${attempt % 4}`)
      const backup = `--data ${source} collections backup words --destination ${repository} --snapshot-id s${attempt}`
      if (await kill(backup, 60 + random.integer(500))) killed++
      const list = await run(`collections backup list --source ${repository} --json`)
      const complete = list.stdout.includes(`"s${attempt}"`)
      if (complete)
        await succeed(`collections backup verify --source ${repository} --snapshot-id s${attempt}`)
      await succeed(backup)
      await succeed(`collections backup verify --source ${repository} --snapshot-id s${attempt}`)
      if (attempt % 4 === 3)
        for (let i = 0; i < 4; i++)
          await rm(join(suite.path, `repository-${i}`), { recursive: true })
    }

    const repository = join(suite.path, 'good')
    await succeed(
      `--data ${source} collections backup words --destination ${repository} --snapshot-id s1`,
    )
    for (let attempt = 0; attempt < kills; attempt++) {
      const target = join(suite.path, `target-${attempt}`)
      const restore = `--data ${target} collections restore words --source ${repository}`
      if (await kill(restore, 60 + random.integer(500))) killed++
      const count = await run(`--data ${target} collections count words`)
      if (count.exitCode === 0) expect(count.stdout).toBe('10000')
      else expect(count.exitCode).toBe(14)
      if (count.exitCode !== 0) await succeed(restore)
      expect(await digestOf(target)).toBe(digest)
      const catalogue = await readFile(join(target, 'catalogue.json'), 'utf8')
      expect(catalogue).toContain('"leftovers":[]')
      await rm(target, { recursive: true })
    }
    console.log(
      `kill -9 of backup and restore: ${killed} of ${2 * kills} killed in flight, seed ${seed}`,
    )
    tellCount({ kind: 'kill -9', what: 'backup and restore', count: killed, seed })
    expect(killed).toBeGreaterThan(kills / 2)
  })
})
