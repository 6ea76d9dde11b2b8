/**
 * The commit that a plan was run from, read from `.git` itself: no program is started. It names what
 * was checked out, not that the plan file is unchanged since; the plan's own hash says that.
 */
import * as path from 'node:path'
import { type Disk, KiB, MiB } from '../../engine/index.ts'

const commitPattern = /^[0-9a-f]{40}([0-9a-f]{24})?$/
const refPattern = /^refs\/[A-Za-z0-9_./-]+$/
const maxRefBytes = 4 * KiB
const maxPackedBytes = 16 * MiB

/** The commit of the repository that `directory` is in; null when it is in none or it has no commit. */
export async function gitCommit(disk: Disk, directory: string): Promise<string | null> {
  for (let at = path.resolve(directory); ; at = path.dirname(at)) {
    const entry = path.join(at, '.git')
    const stat = await disk.stat(entry).catch(() => undefined)
    if (stat?.kind === 'directory') return commitIn(disk, entry, entry)
    if (stat?.kind === 'file') return commitOfWorktree(disk, at, entry)
    if (at === path.dirname(at)) return null
  }
}

/** A linked worktree or submodule: `.git` is a file that names the directory. */
async function commitOfWorktree(disk: Disk, at: string, file: string): Promise<string | null> {
  const text = await read(disk, file, maxRefBytes)
  const named = /^gitdir: (.+)$/m.exec(text ?? '')?.[1]
  if (named === undefined) return null
  const directory = path.resolve(at, named)
  const shared = await read(disk, path.join(directory, 'commondir'), maxRefBytes)
  return commitIn(
    disk,
    directory,
    shared === undefined ? directory : path.resolve(directory, shared.trim()),
  )
}

async function commitIn(disk: Disk, directory: string, shared: string): Promise<string | null> {
  const head = (await read(disk, path.join(directory, 'HEAD'), maxRefBytes))?.trim()
  if (head === undefined) return null
  if (commitPattern.test(head)) return head
  const ref = head.startsWith('ref: ') ? head.slice('ref: '.length) : ''
  if (!refPattern.test(ref) || ref.includes('..')) return null
  const loose = (await read(disk, path.join(shared, ref), maxRefBytes))?.trim()
  if (loose !== undefined) return commitPattern.test(loose) ? loose : null
  const packed = await read(disk, path.join(shared, 'packed-refs'), maxPackedBytes)
  const line = packed?.split('\n').find((each) => each.endsWith(` ${ref}`))
  const commit = line?.split(' ')[0] ?? ''
  return commitPattern.test(commit) ? commit : null
}

async function read(disk: Disk, file: string, maxBytes: number): Promise<string | undefined> {
  try {
    return (await disk.readFile(file, maxBytes)).toString('utf8')
  } catch {
    return undefined // whatever git has there, a run does not depend on it
  }
}
