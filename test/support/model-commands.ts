/**
 * The commands of the model test: what operators and clients do to a collection, in any order, each
 * held against the model right after it.
 */
import fc from 'fast-check'
import { expect } from 'vitest'
import { archiveOnce } from '../../engine/backup/archive.ts'
import { restoreSnapshot } from '../../engine/backup/restore.ts'
import { verifyRepository } from '../../engine/backup/verify.ts'
import { digestOf, ModelHistory, type ModelState, type SnapshotState } from './model-history.ts'
import { expectNearest } from './model-search.ts'
import {
  type Crash,
  collectionName,
  type ModelSystem,
  type Picture,
  repositoryPath,
} from './model-system.ts'
import { idOf, snapshotKey, type Write, writeAll } from './model-writes.ts'

type ModelCommand = fc.AsyncCommand<ModelState, ModelSystem>

/** A command that is its own description: what is printed is what is needed to read a failure. */
function command<Input>(
  name: string,
  input: Input,
  run: (input: Input, model: ModelState, system: ModelSystem) => Promise<void>,
  check: (model: Readonly<ModelState>) => boolean = () => true,
): ModelCommand {
  return {
    check,
    run: async (model, system) => {
      system.clock.advance(1000)
      system.tally.count('commands')
      await run(input, model, system)
    },
    toString: () => `${name}(${JSON.stringify(input)})`,
  }
}

const slots = (maxLength: number) => fc.array(fc.nat(20), { minLength: 1, maxLength })
const seed = fc.nat(2 ** 31 - 1)

const upsert = fc.record({ kind: fc.constant('upsert' as const), slots: slots(6), seed })
const remove = fc.record({ kind: fc.constant('delete' as const), slots: slots(4) })
const checkpoint = fc.record({ kind: fc.constant('checkpoint' as const) })
const compact = fc.record({ kind: fc.constant('compact' as const) })
const backup = fc.record({ kind: fc.constant('backup' as const), full: fc.boolean() })
const search = fc.record({ kind: fc.constant('search' as const), seed })

const anyWrite: fc.Arbitrary<Write> = fc.oneof(
  { weight: 6, arbitrary: upsert },
  { weight: 3, arbitrary: remove },
  { weight: 2, arbitrary: checkpoint },
  { weight: 1, arbitrary: compact },
  { weight: 1, arbitrary: backup },
  { weight: 1, arbitrary: search },
)

const clients = fc.array(fc.array(anyWrite, { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 3,
})

const crashWithin = (changes: number): fc.Arbitrary<Crash> =>
  fc.record({
    change: fc.integer({ min: 1, max: changes }),
    seeds: fc.array(fc.oneof(fc.nat(1), fc.integer({ min: 2, max: 1_000_000 })), {
      minLength: 1,
      maxLength: 3,
    }),
    again: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 3 }) },
    ),
  })

/** One client's write. */
const write = (arbitrary: fc.Arbitrary<Write>) =>
  arbitrary.map((one) =>
    command(one.kind, one, async (input, model, system) => {
      await writeAll([[input]], model, system)
      system.expectDigest(model)
    }),
  )

const together = clients.map((input) =>
  command('together', input, async (writes, model, system) => {
    await writeAll(writes, model, system)
    system.expectDigest(model)
  }),
)

const get = fc.nat(20).map((input) =>
  command('get', input, async (slot, { history }, { items, tally }) => {
    tally.count('gets')
    const expected = history.points.get(idOf(slot))
    const found = await items.get(idOf(slot))
    expect(found && { ...found, vector: [...found.vector] }).toEqual(expected)
  }),
)

const find = fc
  .record({ seed, k: fc.integer({ min: 1, max: 25 }), exact: fc.boolean() })
  .map((input) =>
    command('search', input, async (query, { history, config }, { items, tally }) => {
      tally.count('searches')
      await expectNearest(items, history.points, config, query)
    }),
  )

const reopen = fc.constant(null).map((input) =>
  command('reopen', input, async (_, model, system) => {
    system.tally.count('reopens')
    const { lsn } = system.items
    await system.reopen()
    expect(system.items.lsn).toBe(lsn)
    await system.expectModel(model)
  }),
)

/**
 * The power goes while clients write. What comes up is the state after one of the operations, none of
 * the acknowledged ones is missing (I1), none is there by half (I2), and a second start changes nothing.
 */
const crashInWrites = fc.record({ clients, crash: crashWithin(80) }).map((input) =>
  command('crash in', input, async ({ clients: writes, crash: how }, model, system) => {
    const picture = await system.photograph(how, async () => {
      await writeAll(writes, model, system)
    })
    for (const [index, survivor] of picture.survivors.entries()) {
      const last = index === picture.survivors.length - 1
      await system.recover(survivor, last ? how.again : [])
      const { items } = system
      expect(items.lsn).toBeGreaterThanOrEqual(picture.promised.lsn)
      expect({ lsn: items.lsn, digest: items.digest }).toEqual({
        lsn: items.lsn,
        digest: digestOf(model.history.at(items.lsn), model.config),
      })
      if (last) model.history.cut(items.lsn)
      await keepSnapshots(model, system, picture, last)
      if (!last) await system.data.close()
    }
    system.promised.lsn = system.items.lsn
    await system.expectModel(model)
    await system.reopen()
    await system.expectModel(model)
  }),
)

/** Acknowledged snapshots are there; one that was being made is there whole or not at all. */
async function keepSnapshots(
  model: ModelState,
  system: ModelSystem,
  { promised }: Picture,
  forget: boolean,
): Promise<void> {
  for (const id of [...model.snapshots.keys()]) {
    const there = (await system.disk.stat(snapshotKey(id))) !== undefined
    if (promised.snapshots.has(id)) expect(there, `snapshot ${id}`).toBe(true)
    if (there && !promised.snapshots.has(id)) await expectWhole(system, id)
    if (!there && forget) model.snapshots.delete(id)
    if (there && forget) system.promised.snapshots.add(id)
    if (!there && forget) system.promised.snapshots.delete(id)
  }
}

/** A snapshot that nobody was promised yet can be listed already: then nothing of it is missing. */
async function expectWhole(system: ModelSystem, snapshotId: string): Promise<void> {
  system.tally.count('snapshots whole before their backup was done')
  const { damage } = await verifyRepository({
    ...system.world,
    source: repositoryPath,
    collection: collectionName,
    snapshotId,
  })
  expect(damage).toEqual([])
}

const hasSnapshot = (model: Readonly<ModelState>) => model.snapshots.size > 0

/** The snapshot that a number means. */
function choose({ snapshots }: ModelState, pick: number): [string, SnapshotState] {
  const all = [...snapshots]
  const chosen = all[pick % all.length]
  if (chosen === undefined) throw new Error('there is a snapshot')
  return chosen
}

const pick = fc.nat(1000)

const restoreBeside = fc.record({ pick, reindex: fc.boolean() }).map((input) =>
  command(
    'restore beside',
    input,
    async ({ pick: number, reindex }, model, system) => {
      system.tally.count('restores beside')
      const [snapshotId, state] = choose(model, number)
      const { count, digest, recoveryPoint } = await restoreSnapshot(system.target, {
        ...system.world,
        collection: collectionName,
        source: repositoryPath,
        snapshotId,
        newName: 'beside',
        reindex,
      })
      const expected = digestOf(state.points, model.config)
      expect({ count, digest, lsn: recoveryPoint.lsn }).toEqual({
        count: state.points.size,
        digest: expected,
        lsn: state.lsn,
      })
      const beside = await system.data.open('beside')
      await system.expectPoints(state.points, model.config, beside)
      await beside.upsert([{ id: 'new', vector: [...Array(model.config.dimension).fill(1)] }])
      await system.data.drop('beside')
      await system.expectModel(model)
    },
    hasSnapshot,
  ),
)

/**
 * A snapshot, writes, and the log of them archived: any moment between comes back, and a crash later the
 * archive still fits the collection.
 */
const restoreMoment = fc.record({ clients, pick }).map((input) =>
  command('restore moment', input, async ({ clients: writes, pick: number }, model, system) => {
    const archive = async () => {
      const { archivedLsn, gap } = await archiveOnce(system.items, {
        ...system.world,
        destination: repositoryPath,
      })
      expect({ archivedLsn, gap }).toEqual({ archivedLsn: system.items.lsn, gap: null })
    }
    await archiveOnce(system.items, { ...system.world, destination: repositoryPath })
    await writeAll([[{ kind: 'backup', full: false }]], model, system)
    const from = system.items.lsn
    await writeAll(writes, model, system)
    await archive()
    const lsn = from + (number % (system.items.lsn - from + 1))
    const { count, digest, recoveryPoint } = await restoreSnapshot(system.target, {
      ...system.world,
      collection: collectionName,
      source: repositoryPath,
      at: { kind: 'lsn', lsn },
      epoch: system.items.epoch.history,
      newName: 'moment',
    })
    system.tally.count('restores to a moment')
    const points = model.history.at(lsn)
    expect({ count, digest, lsn: recoveryPoint.lsn }).toEqual({
      count: points.size,
      digest: digestOf(points, model.config),
      lsn,
    })
    await system.expectPoints(points, model.config, await system.data.open('moment'))
    await system.data.drop('moment')
    system.expectDigest(model)
  }),
)

/** A restore over the living collection, in the middle of which the power may go. */
const restoreInPlace = fc
  .record({ pick, crash: fc.option(crashWithin(160)), rerun: fc.boolean() })
  .map((input) =>
    command(
      'restore in place',
      input,
      async ({ pick: number, crash: how, rerun }, model, system) => {
        const [snapshotId, state] = choose(model, number)
        const restore = async () => {
          system.tally.count('restores in place')
          const { digest, resumed } = await restoreSnapshot(system.target, {
            ...system.world,
            collection: collectionName,
            source: repositoryPath,
            snapshotId,
            replace: true,
          })
          if (resumed) system.tally.count('restores gone on with')
          expect(digest).toBe(digestOf(state.points, model.config))
          system.promised.restored = true
        }
        const restored = () => {
          model.history = new ModelHistory(state.lsn, state.points)
        }
        if (how === null) {
          await restore()
          restored()
          await system.reload()
        } else {
          await crashInRestore(how, system, { restore, restored })
          if (rerun) {
            await restore()
            restored()
            await system.reload()
          }
        }
        system.promised.restored = false
        system.promised.lsn = system.items.lsn
        await system.expectModel(model)
      },
      hasSnapshot,
    ),
  )

/** The old collection or the restored one, whole; the restored one when it was acknowledged. */
async function crashInRestore(
  how: Crash,
  system: ModelSystem,
  { restore, restored }: { restore: () => Promise<void>; restored: () => void },
): Promise<void> {
  const { epoch } = system.items
  const picture = await system.photograph(how, restore)
  for (const [index, survivor] of picture.survivors.entries()) {
    const last = index === picture.survivors.length - 1
    await system.recover(survivor, last ? how.again : [])
    const isOld = system.items.epoch.history === epoch.history
    if (picture.promised.restored) expect(isOld).toBe(false)
    if (!last) {
      await system.data.close()
      continue
    }
    if (!isOld) restored()
    system.tally.count(isOld ? 'restores lost in a crash' : 'restores kept in a crash')
  }
}

const verify = fc.constant(null).map((input) =>
  command(
    'verify',
    input,
    async (_, model, system) => {
      system.tally.count('verifications')
      const { damage, snapshots } = await verifyRepository({
        ...system.world,
        source: repositoryPath,
      })
      expect(damage).toEqual([])
      expect(snapshots.length).toBe(model.snapshots.size)
    },
    hasSnapshot,
  ),
)

/** All commands, the common ones more than once. */
export const modelCommands: fc.Arbitrary<ModelCommand>[] = [
  write(upsert),
  write(upsert),
  write(remove),
  write(checkpoint),
  write(compact),
  write(backup),
  together,
  together,
  get,
  find,
  reopen,
  crashInWrites,
  crashInWrites,
  crashInWrites,
  restoreBeside,
  restoreMoment,
  restoreInPlace,
  restoreInPlace,
  verify,
]
