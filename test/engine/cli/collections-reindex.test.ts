import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { clusteredVectors, rowOf } from '../../support/clustered-vectors.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { type CliWorld, runCli } from './run-cli.ts'

const vectors = clusteredVectors({ count: 1_050, dimension: 4, seed: 51 })
const lines = Array.from({ length: 1_050 }, (_, id) =>
  JSON.stringify({ id, vector: [...rowOf(vectors, 4, id)] }),
).join('\n')

let root: string
const cli = (command: string, world: CliWorld = {}) =>
  runCli(command.split(' '), { env: { VECTRA_DATA: join(root, 'data') }, ...world })

beforeEach(async () => {
  root = await temporaryDirectory()
  const imported = await cli('collections import points - --index ivf --lists 12 --nprobe 4', {
    stdin: lines,
  })
  expect(imported.exitCode).toBe(0)
  expect(imported.stderr).toContain('ivf (12 lists, nprobe 4)')
})

const search = async (more = '') =>
  (await cli(`search points --like 7 -k 5 --json${more}`)).objects().map(({ id }) => id)

it('changes the kind in place: the same points, digest and answers', async () => {
  const before = (await cli('collections describe points --json')).objects()
  const exact = await search(' --exact')
  expect(await search(' --nprobe 12')).toEqual(exact)
  const changed = await cli('collections reindex points --index hnsw --m 8 --json')
  expect(changed.objects().at(-1)).toMatchObject({
    outcome: 'done',
    index: { kind: 'hnsw', m: 8, efConstruction: 200, ef: 100 },
    changed: true,
    built: 1,
  })
  expect(await search()).toEqual(exact)
  expect((await cli('collections reindex points --index flat')).stdout).toMatch(
    /^collection points is indexed as flat: 0 built in /,
  )
  expect(await search()).toEqual(exact)
  const after = (await cli('collections describe points --json')).objects()
  const { count, digest } = before[0] ?? {}
  expect(after[0]).toMatchObject({ count, digest, config: { index: { kind: 'flat' } } })
})

it('keeps what is not given while the kind stays', async () => {
  const wider = await cli('collections reindex points --nprobe 9 --json')
  expect(wider.objects().at(-1)).toMatchObject({
    index: { kind: 'ivf', lists: 12, nprobe: 9 },
    built: 0,
  })
  expect((await cli('collections reindex points --nprobe 9')).stdout).toMatch(/already\n$/)
})

it.each([
  ['--index ivf --m 8', 2, /m has no meaning for the index ivf/],
  ['--ef 50', 2, /ef has no meaning for the index ivf/],
  ['--lists 0', 2, /from 1 to 65536/],
  ['--index tree', 2, /hnsw, ivf, flat/],
])('refuses %s and changes nothing', async (flags, exitCode, message) => {
  const refused = await cli(`collections reindex points ${flags}`)
  expect(refused.exitCode).toBe(exitCode)
  expect(refused.stderr).toMatch(message)
  expect((await cli('collections describe points')).stdout).toContain('ivf (12 lists, nprobe 4)')
})

it('is carried by backups: a restore keeps the lists, builds them anew, or changes the kind', async () => {
  const repository = join(root, 'repository')
  const restore = async (as: string, flags = '') => {
    const restored = await cli(
      `collections restore points --source ${repository} --new-collection-name ${as} --json${flags}`,
    )
    return restored.objects().at(-1)
  }
  const answers = async (name: string) =>
    (await cli(`search ${name} --like 7 -k 5 --json`)).objects().map(({ id }) => id)
  await cli('collections checkpoint points')
  await cli(`collections backup points --destination ${repository} --snapshot-id trained`)
  // lists that a reindex built stand under another name: they too are kept
  await cli('collections reindex points --lists 6 --nprobe 6')
  await cli(`collections backup points --destination ${repository} --snapshot-id reindexed`)
  const found = await search()
  const kept = { graphs: 'kept', graphFiles: { kept: 1, rebuilt: 0 } }
  expect(await restore('a', ' --snapshot-id trained')).toMatchObject(kept)
  expect(await restore('b')).toMatchObject(kept)
  expect(await answers('b')).toEqual(found)
  const rebuilt = { graphs: 'rebuilt', graphFiles: { kept: 0, rebuilt: 1 } }
  expect(await restore('c', ' --reindex')).toMatchObject(rebuilt)
  expect(await answers('c')).toEqual(found)
  expect(await restore('d', ' --index hnsw')).toMatchObject(rebuilt)
  expect((await cli('collections describe d')).stdout).toContain('hnsw (m 16')
  expect(await answers('d')).toEqual(found)
  expect(await restore('e', ' --index flat')).toMatchObject({ graphs: 'none' })
  const verified = await cli(`collections backup verify --source ${repository} --depth content`)
  expect(verified.exitCode).toBe(0)
})
