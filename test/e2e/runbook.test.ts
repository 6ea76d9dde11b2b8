/** Every command that a runbook shows, typed in the order in which it stands there. */
import { cp, mkdir, readdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))

/** The lines of all `sh` blocks. */
const commandsOf = (markdown: string): string[] =>
  [...markdown.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
    .flatMap((block) => (block[1] ?? '').split('\n'))
    .filter((line) => line !== '')

/** The project as a clone has it after `npm ci`, in a directory of the test's own. */
async function scratchProject(): Promise<string> {
  const root = join(await temporaryDirectory(), 'clone')
  await mkdir(root)
  // npx looks whether dist/ is made from the sources, so they belong to the scene
  const files = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']
  for (const name of [...files, '.ci', 'engine', 'planner', 'schemas', 'runbooks']) {
    await cp(join(project, name), join(root, name), { recursive: true })
  }
  await cp(join(project, 'plans'), join(root, 'plans'), {
    recursive: true,
    filter: (source) => !/\/(backups|tryout|\.vectra-dr)$/.test(source),
  })
  for (const name of ['dist', 'node_modules']) await symlink(join(project, name), join(root, name))
  return root
}

describe('a runbook', async () => {
  const runbooks = (await readdir(join(project, 'runbooks'))).filter((name) => name.endsWith('.md'))
  test.each(runbooks)('%s: every command does what the page says', async (name) => {
    const text = await readFile(join(project, 'runbooks', name), 'utf8')
    const commands = commandsOf(text)
    expect(commands.length).toBeGreaterThan(5)
    const root = await scratchProject()
    const type = (line: string) =>
      execa('bash', ['-c', line], { cwd: root, reject: false, stdin: 'ignore', all: true })
    // the state that the page is about: the drill has run once, and then the collection was lost
    expect((await type('npx vectra-dr drill plans/quickstart.yaml --yes')).exitCode).toBe(0)
    expect((await type('npx vectra-cli collections drop words')).exitCode).toBe(0)
    for (const line of commands) {
      const { exitCode, all } = await type(line)
      expect(exitCode, `${line}\n${all}`).toBe(0)
      if (/count words/.test(line)) expect(all, line).toMatch(/^10001$/m)
      if (/search words/.test(line)) expect(all, line).toMatch(/^0\.244007 +computers/m)
      if (/backup verify/.test(line)) expect(all, line).toContain('ok (objects)')
      if (/restore words/.test(line)) expect(all, line).toContain('digest proven, index kept')
    }
  })
})
