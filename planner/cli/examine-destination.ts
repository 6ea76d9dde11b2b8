/** What `doctor` says of a destination: whether it answers, and what interrupted uploads left there. */
import { type Disk, isOperatingError, type UnfinishedPut } from '../../engine/index.ts'
import { openDestination } from '../../engine/operations.ts'
import type { Finding } from './examine.ts'

const name = 'destination'
const shown = 5

/** Reaches one destination. Nothing is written. */
export async function examineDestination(url: string, disk: Disk): Promise<Finding> {
  try {
    const destination = openDestination(url, disk)
    const isMade = (await destination.head('repository.json')) !== undefined
    const left: UnfinishedPut[] = []
    for await (const put of destination.unfinished?.list() ?? []) left.push(put)
    const what = isMade ? 'holds a repository' : 'answers; no repository is there yet'
    if (left.length === 0) return { name, state: 'good', found: `${destination.url} ${what}` }
    return {
      name,
      state: 'poor',
      found: `${destination.url} ${what}; ${describe(left)}`,
      hint: `They take space. Those older than a day go with: vectra-cli repository prune ${destination.url}`,
    }
  } catch (error) {
    if (!isOperatingError(error)) throw error
    return { name, state: 'bad', found: error.message, hint: error.hint }
  }
}

function describe(left: readonly UnfinishedPut[]): string {
  const dead = left.filter(({ isDead }) => isDead).length
  const some = left
    .slice(0, shown)
    .map(({ key, startedAt }) => `${key} of ${new Date(startedAt).toISOString()}`)
  const more = left.length > shown ? ', …' : ''
  return `${left.length} interrupted uploads, ${dead} of them dead: ${some.join(', ')}${more}`
}
