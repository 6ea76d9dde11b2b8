/**
 * Writes that several clients do at once, and what they come to in the model: the operations in the
 * order of the LSNs that the engine gave them.
 */
import { expect } from 'vitest'
import { createBackup } from '../../engine/backup/create.ts'
import type { PointId } from '../../engine/format/point.ts'
import { randomPoint, type TestPoint } from './collections.ts'
import type { ModelState } from './model-history.ts'
import { collectionName, type ModelSystem, repositoryPath } from './model-system.ts'
import { seededRandom } from './seeded-random.ts'

export type Write =
  /** A batch; the same slot twice is the same id twice, and the last one counts. */
  | { readonly kind: 'upsert'; readonly slots: readonly number[]; readonly seed: number }
  | { readonly kind: 'delete'; readonly slots: readonly number[] }
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'compact' }
  | { readonly kind: 'backup'; readonly full: boolean }
  | { readonly kind: 'search'; readonly seed: number }

const countedAs: Record<Write['kind'], string> = {
  upsert: 'upserts',
  delete: 'deletes',
  checkpoint: 'checkpoints',
  compact: 'compactions',
  backup: 'backups',
  search: 'searches beside writes',
}

/** Integers, large integers and text. */
export function idOf(slot: number): PointId {
  if (slot % 3 === 0) return slot
  return slot % 3 === 1 ? `id ${slot} ü` : 2 ** 33 + slot
}

interface Logged {
  readonly lsn: number
  readonly change: (points: Map<PointId, TestPoint>) => void
}

interface Snapshot {
  readonly id: string
  readonly lsn: number
}

/** What came of the writes of all clients. */
export interface Outcome {
  readonly logged: Logged[]
  readonly snapshots: Snapshot[]
}

/** Each client does its writes one after the other; all clients at once. */
export async function writeAll(
  clients: readonly (readonly Write[])[],
  model: ModelState,
  system: ModelSystem,
): Promise<Outcome> {
  const outcome: Outcome = { logged: [], snapshots: [] }
  const ends = await Promise.allSettled(
    clients.map(async (writes) => {
      for (const write of writes) await writeOne(write, model, system, outcome)
    }),
  )
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  outcome.logged.sort((a, b) => a.lsn - b.lsn)
  for (const { lsn, change } of outcome.logged) model.history.record(lsn, change)
  for (const { id, lsn } of outcome.snapshots) {
    model.snapshots.set(id, { lsn, points: model.history.at(lsn) })
  }
  return outcome
}

async function writeOne(
  write: Write,
  model: ModelState,
  system: ModelSystem,
  { logged, snapshots }: Outcome,
): Promise<void> {
  const { items, promised, tally } = system
  const acknowledge = (lsn: number) => {
    promised.lsn = Math.max(promised.lsn, lsn)
  }
  tally.count(countedAs[write.kind])
  switch (write.kind) {
    case 'upsert': {
      const random = seededRandom(write.seed)
      const { dimension } = model.config
      const points = write.slots.map((slot) => randomPoint(random, idOf(slot), dimension))
      const { lsn, count } = await items.upsert(points)
      acknowledge(lsn)
      expect(count).toBe(points.length)
      logged.push({
        lsn,
        change: (map) => {
          for (const point of points) map.set(point.id, point)
        },
      })
      return
    }
    case 'delete': {
      const ids = write.slots.map(idOf)
      // asked in the same moment: only what is there is logged
      const asked = Promise.all(ids.map((id) => items.get(id)))
      const { lsn, deleted } = await items.delete(ids)
      acknowledge(lsn)
      const found = await asked
      const there = ids.filter((_, index) => found[index] !== undefined)
      if (there.length === 0) {
        expect(deleted).toBe(0)
        return
      }
      logged.push({
        lsn,
        change: (map) => {
          expect(new Set(there.filter((id) => map.has(id))).size).toBe(deleted)
          for (const id of there) map.delete(id)
        },
      })
      return
    }
    case 'checkpoint':
      return items.checkpoint()
    case 'compact':
      await items.compact()
      return
    case 'backup': {
      const id = `s${++model.snapshotsTaken}`
      const { lsn } = await createBackup(items, {
        ...system.world,
        destination: repositoryPath,
        snapshotId: id,
        mode: write.full ? 'full' : 'incremental',
        golden: { sample: 0 },
      })
      acknowledge(lsn)
      promised.snapshots.add(id)
      snapshots.push({ id, lsn })
      return
    }
    case 'search': {
      const random = seededRandom(write.seed)
      const query = Array.from({ length: model.config.dimension }, () => random.normal())
      for (const { id } of await items.search(query, { k: 3 })) expect(id).toBeDefined()
      return
    }
    default:
      return write satisfies never
  }
}

/** Which of the model's snapshots are in the repository of `collectionName`. */
export const snapshotKey = (id: string): string =>
  `${repositoryPath}/snapshots/${collectionName}/${id}.json`
