/**
 * What a restore in place of a collection means to its copies on other nodes. The restored one begins a history of
 * its own, which nobody follows: a standby is not restored over, nor a primary that another node took over from; and who
 * restores a primary is told whom to call back. It takes the place of the histories that were there: an older primary
 * that comes back finds them named, and writes nothing in them (replica-file.ts).
 */
import type { Disk } from '../base/disk.ts'
import { fail, isOperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Manifest } from '../format/manifest.ts'
import { readNewestManifest } from './open-files.ts'
import { noHistory, ReplicaFile, type ReplicaState } from './replica-file.ts'

export interface ReplacedCopy {
  /** What a person should know. */
  readonly remarks: readonly string[]
  /** What the restored collection takes over; undefined: the other one was nobody's copy, or is of another uuid. */
  readonly kept: Pick<ReplicaState, 'replaced' | 'nodes'> | undefined
}

/**
 * @param directory of the collection that is called `name` and will be replaced, damaged or not; undefined: there is none
 * @param uuid of the collection that takes its place
 * @throws `not-primary` when it is a standby; `fenced` when another node was promoted
 */
export async function lookAtReplaced(
  disk: Disk,
  name: string,
  directory: string | undefined,
  uuid: string,
): Promise<ReplacedCopy> {
  if (directory === undefined) return { remarks: [], kept: undefined }
  let file: ReplicaFile
  try {
    file = await ReplicaFile.open(disk, directory)
  } catch (error) {
    // what is damaged is what people restore over
    if (!isOperatingError(error, 'damaged', 'newer-format')) throw error
    const remark = `what ${name} was to other nodes cannot be read: ${error.message}`
    return { remarks: [remark], kept: undefined }
  }
  const { role, primary, promised, members, lineage, replaced, nodes } = file.current
  if (role === 'standby') {
    fail(
      'not-primary',
      `${name} is a standby here${primary === null ? '' : ` of ${primary.name} at ${primary.url}`}; a restore over it would make a second node that writes`,
      'Restore at the primary. When that is lost: vectra-cli cluster promote, and restore then. Or drop this copy before.',
    )
  }
  const manifest = await manifestOf(disk, directory)
  const isFenced = manifest !== undefined && (promised?.number ?? 0) > manifest.epoch.number
  if (promised !== null && promised.history !== noHistory && isFenced) {
    fail(
      'fenced',
      `${name} is fenced here by epoch ${promised.number} of ${promised.node.name} at ${promised.node.url}; a restore over it would make a second node that writes`,
      `Restore at ${promised.node.name}. Or drop this copy before.`,
    )
  }
  const histories = manifest === undefined ? [] : [manifest.epoch]
  const ended = [...replaced, ...lineage.map(({ epoch }) => epoch), ...histories]
  const wasCopy = nodes.length > 0 || lineage.length > 0 || replaced.length > 0
  const kept =
    wasCopy && (manifest === undefined || manifest.uuid === uuid)
      ? { replaced: ended.slice(-limits.replicaLineage), nodes }
      : undefined
  if (members.length === 0) return { remarks: [], kept }
  const followed = members.map((each) => `${each.name} (${each.mode})`).join(', ')
  const remark = `${name} was followed by ${followed}, and is by nobody now: writes are acknowledged by this node alone. Each joins again with: vectra-cli cluster rejoin ${name} --node NODE --primary THIS-NODE --mode MODE`
  return { remarks: [remark], kept }
}

async function manifestOf(disk: Disk, directory: string): Promise<Manifest | undefined> {
  try {
    return await readNewestManifest(disk, directory)
  } catch (error) {
    if (!isOperatingError(error)) throw error
    return undefined // it is damaged: what it was is what its replica file says
  }
}
