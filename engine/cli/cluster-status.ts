/** The table of `cluster status`: one line a copy. */
import type { SerialisedError } from '../base/errors.ts'
import { toWords } from '../replica/adopt-settings.ts'
import type { CopyStatus } from '../replica/copy-status.ts'
import type { NodeDescription } from '../server/served-node.ts'
import type { Context } from './context.ts'
import { showBytes } from './quantity.ts'
import { renderTable } from './table.ts'

/** Prints the copies of all nodes, and what is wrong with any. */
export async function showClusterStatus(
  context: Context,
  nodes: readonly NodeDescription[],
): Promise<void> {
  const rows: string[][] = []
  for (const { node, copies, broken = [] } of nodes) {
    for (const { name, problem } of broken) {
      await context.emit({ node: node.name, name, problem })
      rows.push([name, node.name, brokenWords(problem), '-', '-', '-'])
    }
    for (const copy of copies) {
      await context.emit({ node: node.name, ...copy })
      rows.push([
        copy.name,
        node.name,
        roleOf(copy),
        String(copy.epoch.number),
        String(copy.lsn),
        lagOf(copy),
      ])
    }
  }
  const { isTerminal, columns } = context.io.stdout
  const titles = [
    { title: 'COLLECTION' },
    { title: 'NODE' },
    { title: 'ROLE' },
    { title: 'EPOCH', align: 'right' },
    { title: 'LSN', align: 'right' },
    { title: 'LAG' },
  ] as const
  await context.print(
    renderTable(
      titles,
      rows.sort((a, b) => (`${a[0]}` < `${b[0]}` ? -1 : 1)),
      isTerminal ? columns : 0,
    ),
  )
  for (const { node, copies, broken = [] } of nodes) {
    for (const { name, problem } of broken) await context.warn(brokenAt(node.name, name, problem))
    for (const copy of copies) {
      if (copy.damage) await context.warn(brokenAt(node.name, copy.name, copy.damage))
      if (copy.alone)
        await context.warn(
          `${copy.name} at ${node.name}: no synchronous standby is there; writes are acknowledged by this node alone`,
        )
      for (const { name, lsn } of copy.members.filter(({ late }) => late))
        await context.warn(
          `${copy.name} at ${node.name}: standby ${name} is behind, at LSN ${lsn ?? 'unknown'} of ${copy.lsn}`,
        )
      if (copy.following?.problem)
        await context.warn(`${copy.name} at ${node.name}: ${copy.following.problem}`)
      const settings = otherSettings(copy)
      if (settings !== undefined) await context.warn(`${copy.name} at ${node.name} ${settings}`)
    }
  }
}

/** What a standby has other settings for than its primary; undefined when it has the same. */
export function otherSettings({ following, config }: CopyStatus): string | undefined {
  const { state, wanted, problem } = following?.settings ?? {}
  if (wanted == null || config == null || state === 'same') return undefined
  const both = `${toWords(wanted)}; here ${toWords(config)}`
  return state === 'adopting'
    ? `is taking over the settings of its primary: ${both}`
    : `has other settings than its primary: ${both}${problem ? ` (${problem})` : ''}`
}

/** What keeps from working with a copy, in a sentence with what to do. */
export const brokenAt = (node: string, name: string, { message, hint }: SerialisedError): string =>
  `${name} at ${node}: ${message}. ${hint}`

const brokenWords = ({ code }: SerialisedError): string =>
  code === 'locked' ? 'not open yet' : 'cannot be opened'

const roleOf = ({ role, fenced, members, damage }: CopyStatus): string => {
  if (damage) return `${role}, damaged`
  if (fenced) return `${role}, fenced`
  if (role === 'standby' || members.length === 0) return role
  return `primary of ${members.map(({ name, mode, there }) => `${name} (${mode}${there ? '' : ', away'})`).join(', ')}`
}

function lagOf({ following }: CopyStatus): string {
  if (following === null) return '-'
  const { records, bytes, seconds, state } = following
  const since = seconds === null ? 'since the start' : `${seconds.toFixed(1)} s`
  const of = state === 'following' ? '' : `, ${state}`
  const settings = following.settings?.state === 'adopting' ? ', other settings on their way' : ''
  return `${records} records, ${showBytes(bytes)}, ${since}${of}${settings}`
}
