import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import * as path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { nodeDisk } from '../../../engine/index.ts'
import { gitCommit } from '../../../planner/run/git-commit.ts'
import { suiteDirectory } from '../../support/temporary-directory.ts'

const directory = suiteDirectory()
const git = async (...args: string[]): Promise<string> => {
  const config = ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'gc.auto=0']
  const { stdout } = await promisify(execFile)('git', [...config, ...args], {
    cwd: path.join(directory.path, 'repository'),
  })
  return stdout.trim()
}
const inside = (...names: string[]) => path.join(directory.path, 'repository', ...names)

beforeAll(async () => {
  await fs.mkdir(inside('plans'), { recursive: true })
  await git('init', '--initial-branch', 'main')
})

test('a repository without a commit, and no repository, have none', async () => {
  expect(await gitCommit(nodeDisk, inside('plans'))).toBeNull()
  expect(await gitCommit(nodeDisk, directory.path)).toBeNull()
})

test('the commit is the one that git names: loose, packed, detached and in a worktree', async () => {
  await git('commit', '--allow-empty', '-m', 'first')
  const first = await git('rev-parse', 'HEAD')
  expect(await gitCommit(nodeDisk, inside('plans'))).toBe(first)

  await git('pack-refs', '--all')
  expect(await gitCommit(nodeDisk, inside())).toBe(first)

  await git('checkout', '--detach')
  expect(await gitCommit(nodeDisk, inside())).toBe(first)

  await git('checkout', 'main')
  await git('worktree', 'add', '-b', 'other', '../worktree')
  expect(await gitCommit(nodeDisk, path.join(directory.path, 'worktree'))).toBe(first)
})

test('a HEAD that leads out of the repository is not followed', async () => {
  await fs.writeFile(inside('.git', 'HEAD'), 'ref: refs/../../../secret\n')
  expect(await gitCommit(nodeDisk, inside())).toBeNull()
})
