/**
 * What a restore in place of a collection means to its copies on other nodes. The restored one begins a history of
 * its own, which nobody follows: a standby is not restored over, and who restores a primary is told whom to call back.
 */
import type { Disk } from '../base/disk.ts'
import { fail, isOperatingError } from '../base/errors.ts'
import { ReplicaFile } from './replica-file.ts'

/**
 * @param directory of the collection that is called `name` and will be replaced, damaged or not
 * @returns what a person should know
 * @throws `not-primary` when it is a standby
 */
export async function lookAtReplaced(
  disk: Disk,
  name: string,
  directory: string,
): Promise<readonly string[]> {
  let file: ReplicaFile
  try {
    file = await ReplicaFile.open(disk, directory)
  } catch (error) {
    // what is damaged is what people restore over
    if (!isOperatingError(error, 'damaged', 'newer-format')) throw error
    return [`what ${name} was to other nodes cannot be read: ${error.message}`]
  }
  const { role, primary, members } = file.current
  if (role === 'standby') {
    fail(
      'not-primary',
      `${name} is a standby here${primary === null ? '' : ` of ${primary.name} at ${primary.url}`}; a restore over it would make a second node that writes`,
      'Restore at the primary. When that is lost: vectra-cli cluster promote, and restore then. Or drop this copy before.',
    )
  }
  if (members.length === 0) return []
  const followed = members.map((each) => `${each.name} (${each.mode})`).join(', ')
  return [
    `${name} was followed by ${followed}, and is by nobody now: writes are acknowledged by this node alone. Each joins again with: vectra-cli cluster rejoin ${name} --node NODE --primary THIS-NODE --mode MODE`,
  ]
}
