import * as fs from 'node:fs/promises'
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A project of two commands that say one word, with the real build around them. */
async function smallProject() {
  const directory = await temporaryDirectory()
  const at = (...names: string[]) => path.join(directory, ...names)
  const write = async (file: string, text: string) => {
    await fs.mkdir(path.dirname(at(file)), { recursive: true })
    await fs.writeFile(at(file), text)
  }
  for (const file of ['.ci/build.mjs', 'tsconfig.json', 'tsconfig.build.json', 'package.json']) {
    await write(file, await fs.readFile(path.join(root, file), 'utf8'))
  }
  await fs.symlink(path.join(root, 'node_modules'), at('node_modules'))
  await write('engine/base/word.ts', `export const word: string = 'one'\n`)
  await write('schemas/plan.schema.json', '1\n')
  await write(
    'planner/plan/schema-compiler.ts',
    `import { word } from '../../engine/base/word.ts'
import { readFile } from 'node:fs/promises'
const schema = new URL('../../../schemas/plan.schema.json', import.meta.url)
export const validatorModule = async () => word + ' from ' + (await readFile(schema, 'utf8'))
export const scriptValidatorModule = validatorModule\n`,
  )
  await write(
    'planner/plan/parse-worker.ts',
    `import { parse } from 'yaml'
import { word } from '../../engine/base/word.ts'
process.stdout.write(parse('- ' + word)[0])\n`,
  )
  for (const half of ['engine', 'planner']) {
    const importing = `import { word } from '../../engine/base/word.ts'`
    await write(
      `${half}/cli/main.ts`,
      `#!/usr/bin/env node\n${importing}\nprocess.stdout.write(word)\n`,
    )
  }
  const build = (...flags: string[]) =>
    execa(process.execPath, ['.ci/build.mjs', ...flags], {
      cwd: directory,
      reject: false,
      all: true,
    })
  const said = async () => (await execa(at('dist/engine/cli/main.js'))).stdout
  const builtAt = async () => (await fs.stat(at('dist/.built-from'))).mtimeMs
  return { at, write, build, said, builtAt }
}

test('the build makes both commands, ready to be run, and leaves nothing beside dist', async () => {
  const { at, build, said } = await smallProject()
  expect(await build()).toMatchObject({ exitCode: 0 })
  expect(await said()).toBe('one')
  expect((await execa(at('dist/planner/cli/main.js'))).stdout).toBe('one')
  expect((await fs.readdir(at())).filter((name) => name.startsWith('dist'))).toEqual(['dist'])
})

test('--if-stale builds after a change of a source and only then', async () => {
  const { write, build, said, builtAt } = await smallProject()
  await build('--if-stale')
  const first = await builtAt()
  await build('--if-stale')
  expect(await builtAt()).toBe(first)
  await write('engine/base/word.ts', `export const word: string = 'two'\n`)
  await build('--if-stale')
  expect(await said()).toBe('two')
})

test('the schemas are compiled into dist, anew after a change of one of them', async () => {
  const { at, write, build } = await smallProject()
  const compiled = () => fs.readFile(at('dist/planner/plan/plan-validator.js'), 'utf8')
  await build('--if-stale')
  expect(await compiled()).toBe('one from 1\n')
  await write('schemas/plan.schema.json', '2\n')
  await build('--if-stale')
  expect(await compiled()).toBe('one from 2\n')
  expect(await fs.readFile(at('dist/planner/plan/script-validator.js'), 'utf8')).toBe(
    await compiled(),
  )
})

test('the thread of the parser is one file, with the library and its license', async () => {
  const { at, write, build } = await smallProject()
  await build()
  await write('alone.js', await fs.readFile(at('dist/planner/plan/parse-worker.js'), 'utf8'))
  await fs.rm(at('dist'), { recursive: true })
  await fs.rm(at('node_modules'))
  expect((await execa(process.execPath, [at('alone.js')])).stdout).toBe('one')
  expect(await fs.readFile(at('alone.js'), 'utf8')).toContain('Copyright Eemeli Aro')
})

test('a build that fails says why, exits 1 or more and leaves the old one in place', async () => {
  const { at, write, build, said } = await smallProject()
  await build()
  await write('engine/base/word.ts', `export const word: string = 2\n`)
  const failed = await build('--if-stale')
  expect(failed.exitCode).toBeGreaterThan(0)
  expect(failed.all).toContain('engine/base/word.ts')
  expect(await said()).toBe('one')
  expect((await fs.readdir(at())).filter((name) => name.startsWith('dist'))).toEqual(['dist'])
})

test('a file that is gone from the sources is gone from dist', async () => {
  const { at, write, build } = await smallProject()
  await write('engine/base/extra.ts', 'export const extra = 1\n')
  await build()
  await fs.access(at('dist/engine/base/extra.js'))
  await fs.rm(at('engine/base/extra.ts'))
  await build('--if-stale')
  await expect(fs.access(at('dist/engine/base/extra.js'))).rejects.toThrow('ENOENT')
})

test('without a compiler --prepare keeps what is there and a plain build fails', async () => {
  const { at, write, build, said } = await smallProject()
  await fs.rm(at('node_modules'))
  const before = await build('--prepare')
  expect(before.exitCode).toBe(0)
  expect(before.all).toContain('dist/ was not built')
  expect(await build()).toMatchObject({ exitCode: 1 })

  await fs.symlink(path.join(root, 'node_modules'), at('node_modules'))
  await build()
  await fs.rm(at('node_modules'))
  await write('engine/base/word.ts', `export const word: string = 'two'\n`)
  const after = await build('--prepare')
  expect(after.exitCode).toBe(0)
  expect(after.all).toContain('dist/ was kept as it is')
  expect(await said()).toBe('one')
})
