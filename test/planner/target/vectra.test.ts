import { appendFile, readdir, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { nodeDisk, OperatingError, systemClock } from '../../../engine/index.ts'
import { openDataDirectory } from '../../../engine/operations.ts'
import { engineRepositories } from '../../../planner/target/engine-repositories.ts'
import type { TargetAdapter, Work } from '../../../planner/target/target.ts'
import { vectraTarget } from '../../../planner/target/vectra.ts'
import { buildTarget } from '../../support/plan-builder.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const work: Work = {
  signal: new AbortController().signal,
  progress: () => {},
  remark: () => {},
}
const golden = { sample: 8, k: 3 }
const repositories = engineRepositories(nodeDisk, systemClock)

interface Place {
  readonly target: TargetAdapter
  readonly data: string
  readonly destination: string
  readonly file: string
}

async function place(): Promise<Place> {
  const directory = await temporaryDirectory()
  const data = path.join(directory, 'data')
  const file = path.join(directory, 'points.jsonl')
  const points = Array.from({ length: 60 }, (_, i) => ({
    id: `p${i}`,
    vector: [Math.cos(i), Math.sin(i), i / 60],
    metadata: { i },
  }))
  await writeFile(file, points.map((point) => `${JSON.stringify(point)}\n`).join(''))
  return {
    target: vectraTarget(buildTarget('primary', data), nodeDisk, systemClock),
    data,
    destination: pathToFileURL(path.join(directory, 'backups')).href,
    file,
  }
}

const importInto = ({ target, file }: Place) =>
  target.importFile({ collection: 'c', file, format: 'jsonl', metric: 'l2' }, work)

const backUp = ({ target, destination }: Place, snapshotId = 's1') =>
  target.backup({ collection: 'c', destination, snapshotId, mode: 'incremental', golden }, work)

const restoreAs = ({ target, destination }: Place, as: string, replace = false) =>
  target.restore({ collection: 'c', sources: [destination], as, replace, reindex: false }, work)

test('a collection that was dropped comes back the same, and the measurement proves it', async () => {
  const here = await place()
  const { target, destination } = here
  const imported = await importInto(here)
  expect(imported).toMatchObject({ created: true, points: 60, count: 60 })

  const backup = await backUp(here)
  expect(backup).toMatchObject({ count: 60, lsn: imported.position.lsn, digest: imported.digest })
  expect(backup.position).toMatchObject({ lsn: backup.lsn, uuid: imported.position.uuid })
  expect(backup.manifest.path).toBe('snapshots/c/s1.json')

  const dropped = await target.drop('c', false, work)
  expect(dropped).toMatchObject({ dropped: true, before: { lsn: backup.lsn } })
  await expect(target.position('c', work)).rejects.toMatchObject({ code: 'collection-not-found' })

  const restored = await restoreAs(here, 'c')
  expect(restored).toMatchObject({
    name: 'c',
    snapshotId: 's1',
    count: 60,
    digest: imported.digest,
    recoveryPoint: {
      uuid: imported.position.uuid,
      history: imported.position.epoch.history,
      lsn: backup.lsn,
    },
  })
  expect(restored.takenAt).toBe(backup.position.observedAt)

  const expectation = await repositories.expectation(destination, 'c', 's1')
  const measured = await target.measure(
    { collection: 'c', digest: true, search: true, expectation, golden },
    work,
  )
  expect(measured.digest).toBe(expectation.digest)
  expect(measured.shape).toEqual(expectation.shape)
  expect(measured.position.count).toBe(expectation.count)
  expect(measured.search).toMatchObject({ truth: 'snapshot', k: 3, queries: 8, recall: 1 })
})

test('a second import goes into the collection that is there', async () => {
  const here = await place()
  await importInto(here)
  expect(await importInto(here)).toMatchObject({ created: false, count: 60 })
})

test('a drop of what is not there is told, with and without a data directory', async () => {
  const here = await place()
  expect(await here.target.drop('c', true, work)).toMatchObject({ dropped: false })
  await importInto(here)
  expect(await here.target.drop('other', true, work)).toMatchObject({ dropped: false })
  await expect(here.target.drop('other', false, work)).rejects.toMatchObject({
    code: 'collection-not-found',
  })
})

test('case 76: a restore onto a collection that is there is refused unless it replaces', async () => {
  const here = await place()
  await importInto(here)
  await backUp(here)
  await expect(restoreAs(here, 'c')).rejects.toMatchObject({ code: 'collection-exists' })
  expect(await restoreAs(here, 'c', true)).toMatchObject({ count: 60 })
  expect(await restoreAs(here, 'copy')).toMatchObject({ name: 'copy' })
})

test('recall without a snapshot is measured against exact search', async () => {
  const here = await place()
  await importInto(here)
  const { search } = await here.target.measure(
    { collection: 'c', digest: false, search: true, golden },
    work,
  )
  expect(search).toMatchObject({ truth: 'exact search', queries: 8, recall: 1 })
})

test('between two operations the data directory is free, and what others wrote is seen', async () => {
  const here = await place()
  await importInto(here)
  const other = await openDataDirectory(here.data, { create: false })
  const collection = await other.open('c')
  await collection.upsert([{ id: 'new', vector: [1, 2, 3] }])
  await expect(here.target.position('c', work)).rejects.toMatchObject({ code: 'locked' })
  await other.close()
  expect(await here.target.position('c', work)).toMatchObject({ count: 61 })
})

test('an operation that is told to stop beforehand does not start', async () => {
  const here = await place()
  const stop = new AbortController()
  stop.abort(new OperatingError('interrupted', 'enough', ''))
  const stopped = { ...work, signal: stop.signal }
  await expect(here.target.position('c', stopped)).rejects.toThrow('enough')
  await expect(readdir(here.data)).rejects.toThrow()
})

test('verify returns damage, and the newest snapshot is known', async () => {
  const here = await place()
  await importInto(here)
  await backUp(here, 's1')
  await importInto(here)
  await backUp(here, 's2')
  const { destination } = here
  expect(await repositories.latest(destination, 'c')).toBe('s2')
  const request = { source: destination, depth: 'objects' } as const
  const whole = await repositories.verify(request, work)
  expect(whole.damage).toEqual([])
  expect(whole.snapshots.map((each) => each.snapshotId).sort()).toEqual(['s1', 's2'])

  const objects = path.join(new URL(destination).pathname, 'objects')
  const [folder = ''] = await readdir(objects)
  const [object = ''] = await readdir(path.join(objects, folder))
  await appendFile(path.join(objects, folder, object), 'x')
  expect((await repositories.verify(request, work)).damage.length).toBeGreaterThan(0)
})
