/** What `doctor` looks at. Every look is on its own: one that fails says so and the rest goes on. */
import * as path from 'node:path'
import { GiB, writeNewFile } from '../../engine/index.ts'
import { hnswlibAvailability } from '../../engine/operations.ts'
import { gitCommit } from '../run/git-commit.ts'
import { showBytes } from '../step/quantity.ts'
import type { Io } from './io.ts'

export interface Finding {
  readonly name: string
  /** `poor`: it works, with less than there could be. `bad`: it does not. */
  readonly state: 'good' | 'poor' | 'bad'
  readonly found: string
  readonly hint?: string
}

const oldestNode = [20, 19] as const
/** Below this a backup of anything real is likely to fail. */
const spaceWanted = GiB
/** This program is younger than any clock that is right. */
const earliestClock = Date.UTC(2026, 0, 1)

export function examine(io: Io, stateDirectory: string): Promise<Finding[]> {
  const looks = [
    () => node(),
    () => index(),
    () => state(io, stateDirectory),
    () => space(io, stateDirectory),
    () => git(io),
    () => clock(io),
  ]
  return Promise.all(looks.map((look) => look()))
}

async function node(): Promise<Finding> {
  const { version } = process
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number)
  const fits = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])
  const base = { name: 'Node', found: `${version} on ${process.platform}-${process.arch}` }
  return fits
    ? { ...base, state: 'good' }
    : { ...base, state: 'bad', hint: `Install Node ${oldestNode.join('.')} or newer.` }
}

async function index(): Promise<Finding> {
  const name = 'hnswlib-node'
  const availability = await hnswlibAvailability()
  if (availability.available) return { name, state: 'good', found: 'loads' }
  return {
    name,
    state: 'poor',
    found: `does not load (${availability.reason}); searches compare every point instead`,
    hint: 'Install python3, make and g++, then run: npm rebuild hnswlib-node',
  }
}

async function state({ disk }: Io, directory: string): Promise<Finding> {
  const name = 'state directory'
  const existed = (await disk.stat(directory)) !== undefined
  const probe = path.join(directory, `.probe-${process.pid}`)
  try {
    await disk.makeDirectory(directory)
    await writeNewFile(disk, probe, Buffer.from('probe'))
    await disk.unlink(probe)
    if (!existed) await disk.removeTree(directory)
    return { name, state: 'good', found: `${directory} can be written` }
  } catch (error) {
    return {
      name,
      state: 'bad',
      found: error instanceof Error ? error.message : String(error),
      hint: 'Give this user the right to write there, or name another directory with --state.',
    }
  }
}

async function space({ disk }: Io, directory: string): Promise<Finding> {
  const name = 'free space'
  let at = directory
  while ((await disk.stat(at)) === undefined && at !== path.dirname(at)) at = path.dirname(at)
  const free = await disk.freeBytes(at)
  const found = `${showBytes(free)} at ${at}`
  return free >= spaceWanted
    ? { name, state: 'good', found }
    : { name, state: 'poor', found, hint: `Have at least ${showBytes(spaceWanted)} free.` }
}

async function git({ disk }: Io): Promise<Finding> {
  const commit = await gitCommit(disk, '.')
  return commit === null
    ? {
        name: 'git',
        state: 'poor',
        found: 'the working directory is in no repository with a commit',
        hint: 'Keep plans in git: the ledger then names the commit that each run was made from.',
      }
    : { name: 'git', state: 'good', found: `commit ${commit}` }
}

async function clock({ clock: { nowMs } }: Io): Promise<Finding> {
  const now = nowMs()
  const found = new Date(now).toISOString()
  return now >= earliestClock
    ? { name: 'clock', state: 'good', found }
    : {
        name: 'clock',
        state: 'bad',
        found,
        hint: 'Set the clock, or let NTP set it: RPO and RTO are counted with it.',
      }
}
