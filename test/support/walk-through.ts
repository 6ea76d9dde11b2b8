/**
 * The walk-through on the built commands: import, back up, verify, drop, restore, restore beside, count.
 * The same lines at every size; only the data differ.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { startServer } from '../e2e/served.ts'
import { bash, binDirectory, scriptEnvironment } from '../e2e/vectra-cli.ts'

export interface WalkThrough {
  /** A directory of the test's own. */
  readonly root: string
  readonly collection: string
  /** The import command's arguments after the collection's name. */
  readonly importArguments: string
  readonly count: number
  /** Ids whose neighbours must be the same before and after. */
  readonly ids: readonly string[]
  /** Whether a server has the data, which the commands find by themselves. */
  readonly served?: boolean
}

interface Found {
  readonly id: string | number
  readonly distance: number
}

export async function walkThrough(walk: WalkThrough): Promise<void> {
  const { root } = walk
  const env = scriptEnvironment(await binDirectory(root), join(root, 'data'))
  const server = walk.served === true ? await startServer(env) : undefined
  try {
    await walkAlong(walk, env)
  } finally {
    const ended = await server?.stop()
    expect(ended?.exitCode ?? 0, ended?.stderr).toBe(0)
  }
}

async function walkAlong(walk: WalkThrough, env: Record<string, string>): Promise<void> {
  const { root, collection, count } = walk
  const run = (script: string) => bash(script, { cwd: root, env })
  const succeed = async (script: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await run(script)
    expect(exitCode, `${script}\n${stderr}`).toBe(0)
    return stdout
  }
  const neighbours = async (of: string, id: string): Promise<Found[]> => {
    const lines = (await succeed(`vectra-cli search ${of} --like '${id}' -k 10 --json`))
      .split('\n')
      .map((line) => JSON.parse(line) as { id?: string | number; distance?: number }) // our own output
    return lines.flatMap(({ id: found, distance }) =>
      found === undefined || distance === undefined ? [] : [{ id: found, distance }],
    )
  }
  const allNeighbours = async (of: string) => {
    const all: Found[][] = []
    for (const id of walk.ids) all.push(await neighbours(of, id)) // one process owns the data
    return all
  }

  await succeed(`vectra-cli collections import ${collection} ${walk.importArguments}`)
  expect(await succeed(`vectra-cli collections count ${collection}`)).toBe(String(count))
  const digestOf = async (of: string): Promise<string> =>
    /[0-9a-f]{64}/.exec(await succeed(`vectra-cli collections describe ${of} --json`))?.[0] ?? ''
  const digest = await digestOf(collection)
  expect(digest).toMatch(/^[0-9a-f]{64}$/)
  const before = await allNeighbours(collection)
  expect(before.every((found) => found.length === 10)).toBe(true)

  const repository = join(root, 'backups', 'full_20231027')
  await succeed(
    `vectra-cli collections backup ${collection} --destination ${repository} --snapshot-id ${collection}_20231027_1000 --wait`,
  )
  await succeed(`vectra-cli collections backup verify --source ${repository}`)
  await succeed(`vectra-cli collections drop ${collection}`)
  expect((await run(`vectra-cli collections count ${collection}`)).exitCode).toBe(14)

  const restore = await run(
    `vectra-cli collections restore ${collection} --source ${repository} --wait`,
  )
  expect(restore.exitCode, restore.stderr).toBe(0)
  expect(restore.stderr, 'no graph is built by a restore').not.toMatch(/build-graph|built again/)
  expect(await allNeighbours(collection), 'the same ids and distances').toEqual(before)
  expect(await digestOf(collection)).toBe(digest)

  const copy = `${collection}_restored_test`
  await succeed(
    `vectra-cli collections restore ${collection} --source ${repository} --new-collection-name ${copy} --wait`,
  )
  expect((await succeed('vectra-cli collections list')).split('\n').join()).toContain(copy)
  expect(await succeed(`vectra-cli collections count ${copy}`)).toBe(String(count))
  expect(await allNeighbours(copy)).toEqual(before)
  await succeed(`vectra-cli collections drop ${copy}`)
  expect(await readdir(join(root, 'data', 'collections'))).toHaveLength(1)
}
