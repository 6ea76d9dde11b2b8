/** What retention looks at: the snapshots of a repository with their pins and their newest verifications. */
import { epochName } from '../format/identity.ts'
import { readPins, type StoredPin } from '../repository/pins.ts'
import { readSnapshots, type SnapshotSet } from '../repository/read-snapshots.ts'
import type { Repository, StoredSnapshot } from '../repository/repository.ts'
import {
  listVerifications,
  readVerifications,
  standingFailure,
  type Verification,
} from '../repository/verifications.ts'
import type { Candidate } from './keep-rules.ts'

export interface StoredCandidate extends Candidate {
  readonly stored: StoredSnapshot
}

export interface Candidates {
  readonly snapshots: readonly StoredCandidate[]
  readonly unreadable: SnapshotSet['unreadable']
  /** The latest time that a pin or a verification speaks of, epoch ms; 0 when there is none. */
  readonly recordedMs: number
}

/** @throws what the destination says; a pin that cannot be read pins, a verification proves nothing */
export async function readCandidates(
  repository: Repository,
  collection: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Candidates> {
  const { snapshots, unreadable } = await readSnapshots(repository, collection, signal)
  const pins = new Map((await readPins(repository, collection)).map((pin) => [nameOf(pin), pin]))
  const recorded = [...pins.values()].flatMap(({ pin }) => (pin ? Date.parse(pin.pinnedAt) : []))
  const names = await listVerifications(repository, collection)
  const records = new Map<string, Verification[]>()
  for (const { verification } of await readVerifications(repository, names, signal)) {
    const key = `${nameOf(verification)} ${verification.manifestSha256}`
    recorded.push(Date.parse(verification.verifiedAt))
    records.set(key, [...(records.get(key) ?? []), verification])
  }
  return {
    unreadable,
    recordedMs: recorded.reduce((latest, each) => Math.max(latest, each), 0),
    snapshots: snapshots.map((stored) => {
      const { manifest, sha256 } = stored
      const name = { collection: manifest.collection.name, snapshotId: manifest.id }
      return {
        ...name,
        uuid: manifest.collection.uuid,
        epoch: epochName(manifest.epoch),
        lsn: manifest.lsn,
        asOfMs: Date.parse(manifest.asOfAt),
        createdMs: Date.parse(manifest.createdAt),
        count: manifest.count,
        tags: manifest.tags,
        pinned: pinText(pins.get(nameOf(name))),
        isBad:
          stored.signature.status === 'wrong' ||
          standingFailure(records.get(`${nameOf(name)} ${sha256}`) ?? []) !== undefined,
        stored,
      }
    }),
  }
}

const nameOf = (of: { readonly collection: string; readonly snapshotId: string }): string =>
  `${of.collection}/${of.snapshotId}`

function pinText(stored: StoredPin | undefined): string | undefined {
  if (stored === undefined) return undefined
  if (stored.pin === undefined) return 'by a pin that cannot be read'
  return stored.pin.reason ?? `since ${stored.pin.pinnedAt}`
}
