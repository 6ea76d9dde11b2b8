/** A machine without a compiler: hnswlib-node is not there, and everything still comes back. */
import { cp, mkdir, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { wordsDirectory } from '../support/words.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))

/** The product as installed where the optional dependency could not be built. */
async function installWithout(absent: string): Promise<string> {
  const root = join(await temporaryDirectory(), 'install')
  await mkdir(join(root, 'node_modules'), { recursive: true })
  for (const name of ['dist', 'package.json', 'schemas']) {
    await cp(join(project, name), join(root, name), { recursive: true })
  }
  for (const name of await readdir(join(project, 'node_modules'))) {
    if (name === absent || name.startsWith('.')) continue
    await symlink(join(project, 'node_modules', name), join(root, 'node_modules', name))
  }
  return root
}

test('without hnswlib-node a graph that was backed up comes back as exact search, loudly', async () => {
  const root = await installWithout('hnswlib-node')
  const words = fileURLToPath(wordsDirectory)
  const data = join(root, 'data')
  const run = (where: string, line: string) =>
    execa(
      process.execPath,
      [join(where, 'dist/engine/cli/main.js'), '--data', data, ...line.split(' ')],
      { reject: false, stdin: 'ignore' },
    )
  const succeed = async (where: string, line: string) => {
    const result = await run(where, line)
    expect(result.exitCode, `${line}\n${result.stderr}`).toBe(0)
    return result
  }
  const files = `${words}words-10k.f32 --dimension 100 --metadata ${words}words-10k.jsonl`
  await succeed(project, `collections import words ${files}`)
  const before = await succeed(project, 'search words --like computer -k 10')
  const exact = await succeed(project, 'search words --like computer -k 10 --exact')
  const repository = join(root, 'repository')
  await succeed(project, `collections backup words --destination ${repository} --snapshot-id s1`)
  await succeed(project, 'collections drop words')

  const restored = await succeed(root, `collections restore words --source ${repository}`)
  expect(restored.stderr).toMatch(/hnswlib-node is not available/)
  const after = await succeed(root, 'search words --like computer -k 10')
  expect(after.stderr).toMatch(/hnswlib-node is not available/)
  expect(after.stdout).toBe(exact.stdout)
  expect((await succeed(root, 'collections count words')).stdout).toBe('10000')

  await succeed(root, `collections import again ${files}`)
  expect((await succeed(root, 'search again --like computer -k 10')).stdout).toBe(exact.stdout)

  // back on a machine that has it, the saved graph answers as before
  const again = await succeed(project, 'search words --like computer -k 10')
  expect(again.stdout).toBe(before.stdout)
  expect(again.stderr).toBe('')
  const doctor = await execa(process.execPath, [join(root, 'dist/planner/cli/main.js'), 'doctor'], {
    reject: false,
    cwd: root,
  })
  // it works, with less than there could be: named with what to install, and not a failure
  expect(doctor.stdout).toMatch(/^poor +hnswlib-node +does not load/m)
  expect(doctor.stdout).toContain('Install python3, make and g++')
  expect(doctor.exitCode).toBe(0)
})
