/**
 * `kill -9` of a backup and of a restore, at random moments: the next attempt completes, nothing half counts.
 * What is killed and what comes next are processes; what they left is looked at from here, which is sooner done.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { describe, expect, test } from 'vitest'
import { listSnapshots } from '../../engine/backup/list.ts'
import { verifyRepository } from '../../engine/backup/verify.ts'
import { systemClock } from '../../engine/base/clock.ts'
import { nodeDisk } from '../../engine/base/disk.ts'
import { isOperatingError } from '../../engine/base/errors.ts'
import { openTest } from '../support/collections.ts'
import { tellCount } from '../support/counts.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { suiteDirectory } from '../support/temporary-directory.ts'
import { wordsDirectory } from '../support/words.ts'

const cli = fileURLToPath(new URL('../../dist/engine/cli/main.js', import.meta.url))
const kills = Number(process.env['VECTRA_KILLS'] ?? 20)
const suite = suiteDirectory()

async function succeed(line: string): Promise<void> {
  const command = [cli, ...line.split(' ')]
  const { exitCode, stderr } = await execa(process.execPath, command, {
    reject: false,
    stdin: 'ignore',
  })
  expect(exitCode, `${line}\n${stderr}`).toBe(0)
}

/** Starts the command and kills it `afterMs` later. @returns whether it was killed before it ended */
async function kill(line: string, afterMs: number): Promise<boolean> {
  const child = spawn(process.execPath, [cli, ...line.split(' ')], { stdio: 'ignore' })
  const timer = setTimeout(() => child.kill('SIGKILL'), afterMs)
  const [, signal] = (await once(child, 'close')) as [number | null, string | null] // its documented arguments
  clearTimeout(timer)
  return signal === 'SIGKILL'
}

/** What the work gives; undefined where it ends with exit code 14: nothing is there. */
const unlessNotFound = <Result>(work: Promise<Result>): Promise<Result | undefined> =>
  work.catch((error: unknown) => {
    if (isOperatingError(error) && error.exitCode === 14) return undefined
    throw error
  })

async function verify(source: string, snapshotId: string): Promise<void> {
  const verified = { source, snapshotId, disk: nodeDisk, clock: systemClock }
  expect(await verifyRepository(verified)).toMatchObject({ ok: true, damage: [] })
}

/** What is in a data directory; undefined where it or the collection is not there. */
async function stateOf(path: string): Promise<{ count: number; digest: string } | undefined> {
  const data = await unlessNotFound(openTest(path, { create: false }))
  if (data === undefined) return undefined
  try {
    const words = await unlessNotFound(data.open('words'))
    return words && { count: words.count, digest: words.digest }
  } finally {
    await data.close()
  }
}

describe('a command that is killed', () => {
  test(`case 10, case 11: backup and restore, ${2 * kills} attempts`, {
    timeout: 60_000 + 10_000 * kills,
  }, async () => {
    const words = fileURLToPath(wordsDirectory)
    const source = join(suite.path, 'source')
    const files = `${words}words-10k.f32 --dimension 100 --metadata ${words}words-10k.jsonl`
    await succeed(`--data ${source} collections import words ${files}`)
    const whole = await stateOf(source)
    expect(whole).toMatchObject({ count: 10_000 })
    const seed = 20261124
    const random = seededRandom(seed)
    let killed = 0

    for (let attempt = 0; attempt < kills; attempt++) {
      const repository = join(suite.path, `repository-${attempt % 4}`)
      const backup = `--data ${source} collections backup words --destination ${repository} --snapshot-id s${attempt}`
      if (await kill(backup, 60 + random.integer(500))) killed++
      const list = await unlessNotFound(listSnapshots({ source: repository, disk: nodeDisk }))
      expect(list?.unreadable ?? []).toEqual([])
      const complete = list?.snapshots.some(({ snapshotId }) => snapshotId === `s${attempt}`)
      if (complete === true) await verify(repository, `s${attempt}`)
      await succeed(backup)
      await verify(repository, `s${attempt}`)
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
      const found = await stateOf(target)
      if (found === undefined) {
        await succeed(restore)
        expect(await stateOf(target)).toEqual(whole)
      } else expect(found).toEqual(whole)
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
