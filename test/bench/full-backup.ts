/**
 * Full backup, verification, restore and an incremental backup of about 1 GB, against what people use:
 * `cp` with hashes, restic (compression off), borg (no compression, no encryption). The same data
 * directory for all, flushed, in turn, in one run.
 *
 * Options: `--points N --dimension N --ef-construction N --trials N`, `--data PATH` where the collection is built, or
 * was by an earlier run with the same other options; it stays there. Ours runs in an engine that
 * serves the collection and has the neighbours of its golden queries (the first backup finds them,
 * which is printed apart), and merges no segments meanwhile; everything else is included: hashes, fsync, the proof of the content and,
 * for the restore, loading the graphs up to the first answer. Peers only copy and check bytes; how long ours took
 * until its bytes were written, hashed and durable stands in a row of its own.
 *
 * All begin under the same conditions: the page cache holds what they read, nothing waits to be written back, and
 * free memory is at hand: a virtual machine gives it back to its host within seconds, and who needs it next waits
 * up to a second a gigabyte for it. So before each piece of work the file system is synced, and before those that
 * write a gigabyte 3 GiB are filled once and freed. Ours and its peers take turns within each trial.
 * restic and borg are installed with apt-get where they are missing.
 * At full size exits 1 when an aim is missed.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { builtEngine } from '../support/built-engine.ts'
import { clusteredVectors, rowOf } from '../support/clustered-vectors.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { buildCollection } from './peers.ts'
import { describeRun, duration, median, table, timed } from './report.ts'

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '600000' },
    dimension: { type: 'string', default: '384' },
    'ef-construction': { type: 'string', default: '40' },
    trials: { type: 'string', default: '3' },
    data: { type: 'string' },
  },
})
const count = Number(values.points)
const dimension = Number(values.dimension)
const efConstruction = Number(values['ef-construction'])
const trials = Number(values.trials)

const {
  createBackup,
  nodeDisk,
  openDataDirectory,
  restoreSnapshot,
  systemClock,
  verifyRepository,
} = await builtEngine()
const root = await mkdtemp(join(tmpdir(), 'vectra-bench-'))
const at = (name: string) => join(root, name)
const outside = { disk: nodeDisk, clock: systemClock }
const environment = {
  ...process.env,
  RESTIC_PASSWORD: 'bench',
  RESTIC_CACHE_DIR: at('cache'),
  BORG_BASE_DIR: at('borg-base'),
  BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes',
}

const run = (command: string, ...options: string[]) =>
  execFileSync(command, options, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
/** Ours to change; a collection that was built elsewhere stays as it is. */
const dataPath = at('data')
const restic = (...options: string[]) =>
  run('restic', '--repo', at('restic'), '--quiet', '--compression', 'off', ...options)
const borg = (...options: string[]) => run('borg', ...options)
/** The hashes of all files of a copy: by one process after the other, as people do it, or two at a time. */
const hashAll = (directory: string, processes = 1) =>
  run(
    'sh',
    '-c',
    'find "$0" -type f -print0 | xargs -0 -P "$1" -n 4 openssl dgst -sha256',
    directory,
    String(processes),
  )

/** A durable copy, and its hashes. */
function copyAndHash(from: string, to: string): void {
  run('cp', '-r', from, to)
  run('sync', '--file-system', to)
  hashAll(to)
}

function requirePeers(): void {
  for (const [command, name] of [
    ['restic', 'restic'],
    ['borg', 'borgbackup'],
  ] as const) {
    try {
      execFileSync(command, [command === 'borg' ? '--version' : 'version'])
    } catch {
      console.log(`installing ${name} …`)
      execFileSync('apt-get', ['install', '--yes', name], { stdio: 'ignore' })
    }
  }
}

/** The work, and how much faster than each peer ours has to be. */
interface Work {
  readonly name: string
  readonly ours: number[]
  peers: Record<Peer, number[]>
  readonly aims: Partial<Record<Peer, number>>
}
const peerNames = {
  cp: 'cp + sync + openssl',
  openssl: 'openssl',
  openssl2: 'openssl, two at a time',
  restic: 'restic',
  borg: 'borg',
} as const
type Peer = keyof typeof peerNames
const work = (name: string, aims: Work['aims']): Work => ({
  name,
  ours: [],
  peers: { cp: [], openssl: [], openssl2: [], restic: [], borg: [] },
  aims,
})
const full = work('full backup', { cp: 1, restic: 2.5, borg: 2 })
const verify = work('verify every byte', { openssl: 1.4, restic: 3.5 })
const restore = work('restore, proven, to the first answer', { cp: 1 / 1.1, restic: 2 })
/** Part of the one above, in the same run: what the peers do. */
const durable = work('restore, bytes written, hashed and durable (what the peers do)', {})
const incremental = work('incremental, 1 % overwritten', { restic: 2 })

/** Fills memory once and gives it back to the kernel; see the head of this file. */
const fillMemory = 'Array.from({ length: 3 }, () => Buffer.alloc(2 ** 30, 1))'
/** @param writes whether the work needs memory for what it writes */
const time = async (list: number[], job: () => unknown, writes = true) => {
  run('sync', '--file-system', root)
  if (writes) run(process.execPath, '--eval', fillMemory)
  const { ms } = await timed(job)
  list.push(ms)
}
/** Files of an earlier trial are removed outside of what is timed. */
const clear = (name: string) => rm(at(name), { recursive: true, force: true })

try {
  requirePeers()
  const vectors = clusteredVectors({ count, dimension, seed: 7 })
  const query = Float32Array.from(rowOf(vectors, dimension, 1))
  const builtPath = values.data ?? dataPath
  const isBuilt = await stat(builtPath).catch(() => undefined)
  if (isBuilt === undefined) {
    const built = await timed(() => buildCollection(builtPath, vectors, dimension, efConstruction))
    await built.value.close()
    console.log(`${count} × ${dimension} built in ${duration(built.ms)}`)
  }
  if (builtPath !== dataPath) run('cp', '-r', builtPath, dataPath)
  const compaction = 'manual' // a merge would take one processor from whoever is being timed
  const data = await openDataDirectory(dataPath, { ...outside, create: false, compaction })
  const items = await data.open('items')
  await items.search(query, { k: 10 })
  const first = await createBackup(items, {
    ...outside,
    destination: at('first'),
    snapshotId: 'first',
  })
  const golden = first.phases.find(({ phase }) => phase === 'golden')?.durationMs ?? 0
  console.log(`first backup: ${duration(first.durationMs)}, of it golden ${duration(golden)}`)
  const random = seededRandom(11)
  const changed = Math.ceil(count / 100)
  for (let trial = 1; trial <= trials; trial++) {
    await Promise.all(['copy', 'restic', 'borg', 'cache', 'repository', 'target'].map(clear))
    restic('init')
    borg('init', '--encryption', 'none', at('borg'))
    const archive = `${at('borg')}::full`
    await time(full.peers.cp, () => copyAndHash(dataPath, at('copy')))
    const destination = at('repository')
    const phases: string[] = []
    await time(full.ours, async () => {
      const options = { ...outside, destination, snapshotId: 'full', mode: 'full' } as const
      const taken = await createBackup(items, options)
      phases.push(...taken.phases.map((each) => `${each.phase} ${duration(each.durationMs)}`))
    })
    console.log(`trial ${trial}: full backup: ${phases.join(', ')}`)
    await time(full.peers.restic, () => restic('backup', dataPath))
    await time(full.peers.borg, () => borg('create', '--compression', 'none', archive, dataPath))

    await time(verify.peers.openssl, () => hashAll(at('copy')), false)
    await time(
      verify.ours,
      async () => {
        const result = await verifyRepository({ ...outside, source: destination, depth: 'objects' })
        if (!result.ok) throw new Error('the repository is damaged')
      },
      false,
    )
    await time(verify.peers.openssl2, () => hashAll(at('copy'), 2), false)
    await time(verify.peers.restic, () => restic('check', '--read-data'), false)
    await time(verify.peers.borg, () => borg('check', '--verify-data', at('borg')), false)

    await time(restore.peers.cp, () => copyAndHash(at('copy'), at('back')))
    await clear('back')
    const target = await openDataDirectory(at('target'), { ...outside, create: true })
    await time(restore.ours, async () => {
      const restored = await restoreSnapshot(target, {
        ...outside,
        collection: 'items',
        source: destination,
      })
      durable.ours.push(restored.durableMs)
      if (restored.graphs !== 'kept') throw new Error('a graph was rebuilt')
      await (await target.open('items')).search(query, { k: 10 })
      console.log(
        `trial ${trial}: restore: durable ${duration(restored.durableMs)}; ${restored.phases.map((each) => `${each.phase} ${duration(each.durationMs)}`).join(', ')}`,
      )
    })
    await target.close()
    await clear('target')
    await time(restore.peers.restic, () => restic('restore', 'latest', '--target', at('back')))
    await clear('back')
    await mkdir(at('back'))
    const extract = (name: string) =>
      execFileSync('borg', ['extract', name], { env: environment, cwd: at('back') })
    await time(restore.peers.borg, () => extract(archive))
    await clear('back')

    const fresh = clusteredVectors({ count: changed, dimension, seed: 100 + trial })
    for (let row = 0; row < changed; row += 1000) {
      const batch = Array.from({ length: Math.min(1000, changed - row) }, (_, i) => ({
        id: random.integer(count),
        vector: rowOf(fresh, dimension, row + i),
      }))
      await items.upsert(batch)
    }
    await items.checkpoint()
    await time(
      incremental.ours,
      () => createBackup(items, { ...outside, destination, snapshotId: 'incremental' }),
      false,
    )
    await time(incremental.peers.restic, () => restic('backup', dataPath), false)
    const changedArchive = `${at('borg')}::incremental`
    await time(
      incremental.peers.borg,
      () => borg('create', '--compression', 'none', changedArchive, dataPath),
      false,
    )
  }
  await data.close()

  let missed = false
  const shown = [['work', 'ours', 'against', 'its time', 'its time ÷ ours', 'aim']]
  durable.peers = restore.peers
  for (const each of [full, verify, restore, durable, incremental]) {
    for (const peer of Object.keys(peerNames) as Peer[]) {
      if (each.peers[peer].length === 0) continue
      const ratio = median(each.peers[peer]) / median(each.ours)
      const aim = each.aims[peer]
      if (aim !== undefined && ratio < aim) missed = true
      shown.push([
        each.name,
        duration(median(each.ours)),
        peerNames[peer],
        duration(median(each.peers[peer])),
        `${ratio.toFixed(2)} ×`,
        aim === undefined ? '' : `≥ ${aim.toFixed(2)} ×${ratio < aim ? ', missed' : ''}`,
      ])
    }
  }
  console.log(
    `${describeRun()}\n${count} × ${dimension}, efConstruction ${efConstruction}, medians of ${trials}\n\n${table(shown)}`,
  )
  if (count >= 600_000 && missed) process.exitCode = 1
} finally {
  await rm(root, { recursive: true, force: true })
}
