import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { runCli } from './run-cli.ts'

let root: string
let file: string
const cli = (command: string, ...more: string[]) =>
  runCli([...command.split(' '), ...more], { env: { VECTRA_DATA: join(root, 'data') } })
const configOf = async (name: string) =>
  (await cli(`collections describe ${name} --json`)).objects()[0]?.['config']

beforeEach(async () => {
  root = await temporaryDirectory()
  file = join(root, 'config.json')
  await cli('collections create pets --dimension 2 --metric l2 --index ivf --lists 9 --nprobe 2')
})

it('is exported as the seed of a collection like it', async () => {
  const shown = await cli('collections config export pets')
  expect(JSON.parse(shown.stdout)).toEqual(await configOf('pets'))
  expect((await cli('collections config export pets', file)).exitCode).toBe(0)
  expect(await readFile(file, 'utf8')).toBe(shown.stdout)
  expect((await cli('collections config export pets', file)).stderr).toMatch(/exists already/)
  expect((await cli('collections create more --config', file)).exitCode).toBe(0)
  expect(await configOf('more')).toEqual(await configOf('pets'))
})

it('is imported into a collection of the same dimension and metric', async () => {
  await cli('collections create other --dimension 2 --metric l2 --index flat')
  await cli('collections config export pets', file)
  expect((await cli('collections config import other', file)).stdout).toMatch(
    /^collection other now has 2 dimensions, l2, ivf \(9 lists, nprobe 2\)/,
  )
  expect(await configOf('other')).toEqual(await configOf('pets'))
  expect((await cli('collections config import other', file)).stdout).toMatch(/already had/)
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace('"always"', '"interval", "intervalMs": 70'))
  expect((await cli('collections config import other', file)).exitCode).toBe(0)
  expect(await configOf('other')).toMatchObject({
    durability: { mode: 'interval', intervalMs: 70 },
  })
})

it.each([
  [{ dimension: 3 }, /the dimension of the collection is 2, not 3/],
  [{ dimension: 2, metric: 'cosine' }, /the metric of the collection is l2, not cosine/],
  [{ dimension: 2, colour: 'red' }, /has colour, which no config has/],
])('refuses to import %j', async (config, message) => {
  await writeFile(file, JSON.stringify(config))
  const before = await configOf('pets')
  const refused = await cli('collections config import pets', file)
  expect(refused.exitCode).toBe(2)
  expect(refused.stderr).toMatch(message)
  expect(await configOf('pets')).toEqual(before)
})

it('names a file that is not there, and refuses one beside other settings', async () => {
  const missing = await cli('collections config import pets', join(root, 'no.json'))
  expect(missing.exitCode).toBe(14)
  await cli('collections config export pets', file)
  const both = await cli('collections create x --dimension 2 --config', file)
  expect(both.exitCode).toBe(2)
  expect(both.stderr).toMatch(/beside other settings/)
})
