/** What every {@link TargetAdapter} must do, embedded, served or foreign: steps rest on nothing else. */
import { writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { nodeDisk, OperatingError, systemClock } from '../../engine/index.ts'
import { engineRepositories } from '../../planner/target/engine-repositories.ts'
import type { Position, TargetAdapter, Work } from '../../planner/target/target.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

export const work: Work = {
  signal: new AbortController().signal,
  progress: () => {},
  remark: () => {},
}
export const golden = { sample: 8, k: 3 }
const repositories = engineRepositories(nodeDisk, systemClock)

export interface Place {
  readonly target: TargetAdapter
  readonly data: string
  readonly destination: string
  readonly file: string
}

/** A target over an empty data directory, a destination, and a file of 60 points. */
export async function placeOf(
  open: (data: string) => TargetAdapter | Promise<TargetAdapter>,
): Promise<Place> {
  const directory = await temporaryDirectory()
  const data = path.join(directory, 'data')
  const file = path.join(directory, 'points.jsonl')
  const points = Array.from({ length: 60 }, (_, i) => ({
    id: `p${i}`,
    vector: [Math.cos(i), Math.sin(i), i / 60],
    metadata: { i },
  }))
  await writeFile(file, points.map((point) => `${JSON.stringify(point)}\n`).join(''))
  const destination = pathToFileURL(path.join(directory, 'backups')).href
  return { target: await open(data), data, destination, file }
}

export const importInto = ({ target, file }: Place) =>
  target.importFile({ collection: 'c', file, format: 'jsonl', metric: 'l2' }, work)

export const backUp = ({ target, destination }: Place, snapshotId = 's1') =>
  target.backup({ collection: 'c', destination, snapshotId, mode: 'incremental', golden }, work)

export const restoreAs = ({ target, destination }: Place, as: string, replace = false) =>
  target.restore({ collection: 'c', sources: [destination], as, replace, reindex: false }, work)

/** Declares the suite. `place` is called once for each test, inside it. */
export function targetConformance(place: () => Promise<Place>): void {
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

  test('a restore onto a collection that is there is refused unless it replaces', async () => {
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

  test('a moment between two snapshots comes back through the archived log', async () => {
    const here = await place()
    const { target, destination } = here
    await importInto(here)
    await backUp(here)
    const written = await writeSome(target, 3)
    const archived = await target.archive({ collection: 'c', destination }, work)
    const lsn = written.at(-1)?.lsn ?? -1
    expect(archived).toMatchObject({ lsn, restorable: true, position: { lsn } })
    const restored = await target.restore(
      {
        collection: 'c',
        sources: [destination],
        at: 'latest',
        as: 'again',
        replace: false,
        reindex: false,
      },
      work,
    )
    expect(restored).toMatchObject({ count: 63, moment: { replayedRecords: 3 } })
    expect(await target.missing('again', ['w0', 'w1', 'w2', 'w3'], work)).toEqual(['w3'])
  })

  test('points that are written along are positions that rise, and end with the collection', async () => {
    const here = await place()
    const { target } = here
    await importInto(here)
    const written = await writeSome(target, 4)
    expect(written.map(({ count }) => count)).toEqual([61, 62, 63, 64])
    expect(written.map(({ lsn }) => lsn)).toEqual(
      written.map((_, index) => (written[0]?.lsn ?? 0) + index),
    )
    await target.deletePoints('c', ['w0', 'w1', 'nobody'], work)
    expect(await target.missing('c', ['w0', 'w1', 'w2'], work)).toEqual(['w0', 'w1'])
    let acknowledged = 0
    await target.writeAlong(
      {
        ...{ collection: 'c', point, keepOpen: false },
        async acknowledged() {
          acknowledged++
          if (acknowledged === 2) await target.drop('c', false, work)
          return 'next'
        },
      },
      work,
    )
    expect(acknowledged).toBe(2)
  })

  test('an alias is switched when it means what is expected, and told before', async () => {
    const here = await place()
    const { target } = here
    await importInto(here)
    await backUp(here)
    await restoreAs(here, 'copy')
    const found: unknown[] = []
    const noting: Work = { ...work, found: async ({ meant }) => void found.push(meant) }
    const set = (collection: string | null, expected?: string | null) =>
      target.switchAlias(
        { alias: 'live', collection, ...(expected !== undefined && { while: expected }) },
        noting,
      )
    expect(await set('c')).toEqual({ switched: true, before: null })
    expect(await set('copy', 'copy')).toEqual({ switched: false, before: 'c' })
    expect(await set('copy', 'c')).toEqual({ switched: true, before: 'c' })
    expect(await target.meaning('live', work)).toBe('copy')
    expect(await set(null)).toEqual({ switched: true, before: 'copy' })
    expect(await target.meaning('live', work)).toBeNull()
    expect(found).toEqual([null, 'c', 'copy'])
  })

  test('what an import, a restore and a drop found is told before they change it', async () => {
    const here = await place()
    const found: unknown[] = []
    const noting: Work = { ...work, found: async (what) => void found.push(what) }
    await here.target.importFile({ collection: 'c', file: here.file, format: 'jsonl' }, noting)
    await backUp(here)
    const { lsn, uuid } = await here.target.position('c', work)
    const restore = {
      collection: 'c',
      sources: [here.destination],
      as: 'c',
      replace: true,
      reindex: false,
    }
    await here.target.restore(restore, noting)
    await here.target.drop('c', false, noting)
    expect(found).toMatchObject([{ before: null }, { before: { lsn, uuid } }, { before: { uuid } }])
  })

  test('an operation that is told to stop does', async () => {
    const here = await place()
    await importInto(here)
    const stop = new AbortController()
    stop.abort(new OperatingError('interrupted', 'enough', ''))
    const stopped = { ...work, signal: stop.signal }
    const { target, destination } = here
    const backup = { collection: 'c', destination, snapshotId: 's', mode: 'full', golden } as const
    await expect(target.position('c', stopped)).rejects.toThrow('enough')
    await expect(target.backup(backup, stopped)).rejects.toThrow('enough')
    await expect(repositories.latest(destination, 'c')).rejects.toMatchObject({ exitCode: 14 })
  })
}

const point = (number: number, dimension: number) => ({
  id: `w${number}`,
  vector: Array.from({ length: dimension }, (_, at) => number + at + 1),
  metadata: { number },
})

async function writeSome(target: TargetAdapter, count: number): Promise<Position[]> {
  const written: Position[] = []
  await target.writeAlong(
    {
      ...{ collection: 'c', point, keepOpen: false },
      async acknowledged(_, position) {
        written.push(position)
        return written.length === count ? 'end' : 'next'
      },
    },
    work,
  )
  return written
}
