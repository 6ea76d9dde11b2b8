/**
 * Giving up the end of a log that other nodes have copies of: they may have what is cut, whole. Nothing is cut while
 * one is known to, unless a person says so: that copy is the better one.
 */
import { fail, isOperatingError } from '../base/errors.ts'
import type { DataDirectory } from '../collection/data-directory.ts'
import type { CutCopy, RepairResult } from '../collection/repair.ts'
import { isSameEpoch, type NodeAddress } from '../collection/replica-file.ts'
import { readCopyState } from './copy-state.ts'
import { ask, type Transport } from './transport.ts'

export interface CutOptions {
  readonly transport: Transport
  /** Cut although another copy is known to have what is cut. */
  readonly despiteCopies?: boolean
}

/** Another copy of a collection whose log was cut. */
export interface OtherCopy extends NodeAddress {
  /** The last record of that history that it has; null: it did not answer, or has another history. */
  readonly lsn: number | null
  /** What it answered instead; null: nothing is wrong. */
  readonly problem: string | null
}

export interface CutResult extends RepairResult {
  readonly copies: readonly OtherCopy[]
}

const askMs = 2_000

/**
 * Cuts the log of a collection after `toLsn`.
 * @throws `possible-loss` when another copy has more and `despiteCopies` is not given; see `repairCollection`
 */
export async function cutReplicatedLog(
  data: Pick<DataDirectory, 'repair'>,
  name: string,
  toLsn: number,
  { transport, despiteCopies = false }: CutOptions,
): Promise<CutResult> {
  let copies: readonly OtherCopy[] = []
  const result = await data.repair(name, toLsn, async (copy) => {
    copies = await Promise.all(othersOf(copy).map((node) => look(copy, node, transport)))
    if (!despiteCopies) refuseBetter(copy, toLsn, copies)
  })
  return { ...result, copies }
}

function othersOf({ state }: CutCopy): NodeAddress[] {
  const all = [...state.members, ...state.nodes].map(({ name, url }) => ({ name, url }))
  return all.filter(({ name }, index) => all.findIndex((each) => each.name === name) === index)
}

async function look(
  { name, uuid, epoch }: CutCopy,
  node: NodeAddress,
  transport: Transport,
): Promise<OtherCopy> {
  try {
    const request = { collection: name }
    const { fields } = await ask(transport, node, 'copy', request, { timeoutMs: askMs })
    const seen = readCopyState(fields)
    // one that went on in a newer epoch has this one up to where that began
    const left = seen.lineage.find((each) => isSameEpoch(each.epoch, epoch))
    const lsn = isSameEpoch(seen.epoch, epoch) ? seen.lsn : left?.lsn
    if (seen.uuid === uuid && lsn !== undefined) return { ...node, lsn, problem: null }
    return { ...node, lsn: null, problem: 'it has another collection or history of that name' }
  } catch (error) {
    if (!isOperatingError(error)) throw error
    return { ...node, lsn: null, problem: error.message }
  }
}

function refuseBetter({ name }: CutCopy, toLsn: number, copies: readonly OtherCopy[]): void {
  const [best] = copies
    .flatMap(({ name: node, lsn }) => (lsn !== null && lsn > toLsn ? [{ node, lsn }] : []))
    .sort((a, b) => b.lsn - a.lsn)
  if (best === undefined) return
  fail(
    'possible-loss',
    `${best.node} has ${name} up to LSN ${best.lsn}: what would be cut here after LSN ${toLsn} is there`,
    `It may be the better copy: vectra-cli cluster promote ${name} --node ${best.node}. To cut all the same: --despite-copies. Nothing was changed.`,
  )
}
