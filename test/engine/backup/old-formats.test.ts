/** Files that older versions wrote, kept as they were: they must be read for ever. */
import { cp, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { createBackup } from '../../../engine/backup/create.ts'
import { restoreSnapshot } from '../../../engine/backup/restore.ts'
import { verifyRepository } from '../../../engine/backup/verify.ts'
import { systemClock } from '../../../engine/base/clock.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { openTest } from '../../support/collections.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url))
const outside = { disk: nodeDisk, clock: systemClock }

interface State {
  readonly lsn: number
  readonly count: number
  readonly digest: string
}

interface Expected {
  readonly graph: State
  readonly flat: State
  readonly snapshots: Readonly<Record<string, State>>
}

const versions = (await readdir(fixtures)).filter((name) => name.startsWith('format-'))

const expectedOf = async (version: string) =>
  JSON.parse(await readFile(join(fixtures, version, 'expected.json'), 'utf8')) as Expected // our own fixture

describe.each(versions)('files of %s', (version) => {
  test('case 82: a data directory opens, proves itself, is written on and backed up', async () => {
    const expected = await expectedOf(version)
    const path = await temporaryDirectory()
    await cp(join(fixtures, version, 'data'), join(path, 'data'), { recursive: true })
    const collections = join(path, 'data/collections')
    // git keeps no empty directories
    for (const name of await readdir(collections)) {
      await mkdir(join(collections, name, 'segments'), { recursive: true })
    }
    for (let attempt = 1; attempt <= 2; attempt++) {
      const data = await openTest(join(path, 'data'))
      for (const name of ['graph', 'flat'] as const) {
        const collection = await data.open(name)
        const { lsn, count, digest } = collection
        if (attempt === 1) expect({ lsn, count, digest }).toEqual(expected[name])
        expect(await collection.proveDigest()).toBe(digest)
        const [point] = await collection.search([1, 0, 0, 0], { k: 1 })
        expect(point).toBeDefined()
        await collection.upsert([{ id: `new-${attempt}`, vector: [1, 0, 0, attempt] }])
        await collection.checkpoint()
        await createBackup(collection, {
          ...outside,
          destination: join(path, 'repository'),
          snapshotId: `again-${attempt}`,
        })
        expect(collection.count).toBe(expected[name].count + attempt)
      }
      await data.close()
    }
    const verified = await verifyRepository({
      ...outside,
      source: join(path, 'repository'),
      depth: 'content',
    })
    expect(verified.damage).toEqual([])
  })

  test('case 82: a repository is verified and every snapshot restored', async () => {
    const expected = await expectedOf(version)
    const source = join(await temporaryDirectory(), 'repository')
    // what is found is recorded there; the fixture stays as it was written
    await cp(join(fixtures, version, 'repository'), source, { recursive: true })
    const verified = await verifyRepository({ ...outside, source, depth: 'content' })
    expect(verified.damage).toEqual([])
    const data = await openTest(await temporaryDirectory())
    for (const [place, state] of Object.entries(expected.snapshots)) {
      const [collection = '', snapshotId = ''] = place.split('/')
      const newName = `${collection}-${snapshotId}`
      const restored = await restoreSnapshot(data, {
        ...outside,
        source,
        collection,
        snapshotId,
        newName,
      })
      const { count, digest, recoveryPoint } = restored
      expect({ lsn: recoveryPoint.lsn, count, digest }).toEqual(state)
      expect(restored.graphs).toBe(collection === 'graph' ? 'kept' : 'none')
    }
    await data.close()
  })
})
