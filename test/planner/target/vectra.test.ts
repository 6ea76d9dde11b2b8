import { appendFile, readdir } from 'node:fs/promises'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { nodeDisk, OperatingError, systemClock } from '../../../engine/index.ts'
import { openDataDirectory } from '../../../engine/operations.ts'
import { engineRepositories } from '../../../planner/target/engine-repositories.ts'
import { vectraTarget } from '../../../planner/target/vectra.ts'
import { backUp, importInto, placeOf, targetConformance, work } from '../../conformance/target.ts'
import { buildTarget } from '../../support/plan-builder.ts'

const repositories = engineRepositories(nodeDisk, systemClock)

const place = () =>
  placeOf((data) => vectraTarget(buildTarget('primary', data), nodeDisk, systemClock))

describe('the bundled engine, embedded', () => targetConformance(place))

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
