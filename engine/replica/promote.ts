/**
 * Promotion: a copy becomes the primary, in an epoch of its own that the others agreed to.
 *
 * There is no vote. One node asks the others for a promise, and a person or a plan says what to do about those
 * that do not answer. The order makes two writers of one epoch impossible: the new epoch is durable here as a
 * promise before anybody is asked, a node that promised it takes no records of the old one any more, and the
 * first write comes after the epoch is durable in the manifest. A promotion that cannot go on takes its promise
 * back before it asks the others to forget theirs.
 */
import type { Clock } from '../base/clock.ts'
import { fail, isOperatingError, type OperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Collection } from '../collection/collection.ts'
import {
  areRelated,
  isSameEpoch,
  type NodeAddress,
  noHistory,
  type ReplicaMember,
  type ReplicaState,
} from '../collection/replica-file.ts'
import { isSameConfig } from '../collection/settings.ts'
import type { CollectionConfig } from '../format/config.ts'
import { type Epoch, newEpoch } from '../format/identity.ts'
import { readEpoch } from '../format/manifest.ts'
import { refuseOtherIndex, type SettingsStatus, takeQuickSettings } from './adopt-settings.ts'
import { type CopyState, copyState, historiesOf, readCopyState } from './copy-state.ts'
import type { Lag } from './position.ts'
import { ask, type Transport } from './transport.ts'

/** What a promotion may lose, said before it is done. */
export interface LossWindow {
  /** Records that the primary has and this copy lacks; null when the primary cannot be asked. */
  readonly records: number | null
  /** What is known of them although the primary cannot be asked: it told of so many. */
  readonly knownRecords: number
  /** Nothing that was acknowledged before this moment is lost. ISO 8601; null: it is not known. */
  readonly asOfAt: string | null
  /** From that moment to now. */
  readonly seconds: number | null
  /** Standbys that have more of the log than this one. */
  readonly ahead: readonly string[]
  readonly unreachable: readonly string[]
}

export interface PromoteOptions {
  readonly self: NodeAddress
  readonly transport: Transport
  readonly clock: Clock
  /** Names the history that begins. Default: at random. */
  readonly newEpoch?: ((number: number) => Epoch) | undefined
  /** The primary must answer and hand over everything: nothing is lost. */
  readonly planned?: boolean
  /** Standbys that are gone for good and need not answer. They have to join again. */
  readonly without?: readonly string[]
  /** How far this copy is behind, as its follower knows; undefined when it follows nobody. */
  readonly lag: (Lag & { readonly settings: SettingsStatus }) | undefined
  /** Asked before anything is changed. */
  readonly confirm: (window: LossWindow) => Promise<boolean>
  /** Ends following, before anything is changed and after it was confirmed. */
  readonly stopFollowing: () => Promise<void>
}

export interface Promotion {
  readonly collection: string
  readonly epoch: Epoch
  /** The first epoch's end: records after it that others have are lost. */
  readonly lsn: number
  readonly window: LossWindow
  /** Records that the old primary has beyond that; null when it did not answer. */
  readonly lostRecords: number | null
  readonly members: readonly ReplicaMember[]
  /** What the old primary had last, as far as it is known, where this copy has other settings: it keeps its own. */
  readonly settingsLeft: CollectionConfig | null
  /** Nodes that did not promise: if one of them still writes, only meeting it again ends that. */
  readonly notAsked: readonly string[]
}

const askMs = 2_000
const handOverMs = 30_000

interface Other {
  readonly node: NodeAddress
  readonly state: CopyState | undefined
  readonly problem: OperatingError | undefined
}

/**
 * @throws `declined`; `fenced` when somebody else was promised the epoch; `unreachable` for a standby that is
 *   not in `without`, or with `planned` the primary; `possible-loss` when a standby has more than this copy, or
 *   with `planned` the last record could not be had. Nothing has changed then
 */
export async function promote(collection: Collection, options: PromoteOptions): Promise<Promotion> {
  const { self, without = [], planned = false } = options
  const { replication, name } = collection
  const before = replication.state
  if (before.role === 'primary' && !replication.isFenced) {
    fail('usage', `${self.name} is the primary of ${name} already`, 'Nothing was changed.')
  }
  const others = await look(collection, options)
  refuseAhead(collection, others, before.primary)
  const seen = others.find(({ node }) => node.name === before.primary?.name)?.state
  if (planned && seen !== undefined) refuseOtherIndex(collection, seen)
  const wasLast = isLast(collection)
  const window = lossWindow(collection, others, options)
  if (!(await options.confirm(window))) {
    fail('declined', 'the promotion was declined', 'Nothing was changed.')
  }
  await options.stopFollowing()
  const number =
    1 + Math.max(...[copyState(collection), ...others.map((each) => each.state)].map(newestNumber))
  const epoch = (options.newEpoch ?? newEpoch)(number)
  await replication.promise({ ...epoch, node: self }, self.name, before)
  const promised: Other[] = []
  let lostRecords: number | null
  let wanted = options.lag?.settings.wanted ?? null
  let known = before.members // a standby that joined a moment ago has not been told yet
  try {
    const answers = await Promise.all(
      others.map(async ({ node }) => copyOf(node, collection, options, 'fence', epoch)),
    )
    promised.push(...answers.filter((each) => each.state !== undefined))
    const primary = answers.find(({ node }) => node.name === before.primary?.name)
    refuseMissing(answers, before.primary, {
      planned,
      without,
      told: window.unreachable,
      optional: onlyKnown(before),
    })
    if (primary?.state !== undefined) {
      if (planned) refuseOtherIndex(collection, primary.state)
      await handOver(collection, primary, epoch, options)
      await takeQuickSettings(collection, primary.state).catch((error: unknown) => {
        if (planned || !isOperatingError(error)) throw error // else it is told as left
      })
      wanted = primary.state.config
      known = primary.state.members
    }
    refuseAhead(collection, answers, before.primary)
    lostRecords = wasLast ? 0 : beyond(collection, primary?.state)
    if (lostRecords !== null && lostRecords > (planned ? 0 : (window.records ?? 0))) {
      fail(
        'possible-loss',
        `${lostRecords} record(s) of ${name} could not be had from the primary, more than was said before`,
        'Nothing was changed. Look again, and promote with what is true then.',
      )
    }
    await replication.switchEpoch(epoch, 'primary')
  } catch (error) {
    if (replication.state.switching === null && !isSameEpoch(collection.epoch, epoch)) {
      await replication.release(epoch)
      await Promise.all(
        promised.map(({ node }) => tell(options, node, 'release', { collection: name, epoch })),
      )
    }
    throw error
  }
  const members = membersAfter(known, before.primary, promised, self)
  await replication.change((now) => ({ ...now, members }))
  await Promise.all(
    promised.map(({ node }) =>
      tell(options, node, 'retarget', { collection: name, epoch, primary: self }),
    ),
  )
  const { lsn } = collection.replication.state.lineage.at(-1) ?? { lsn: collection.lsn }
  const notAsked = answersMissing(others, promised)
  const settingsLeft = wanted !== null && !isSameConfig(wanted, collection.config) ? wanted : null
  return { collection: name, epoch, lsn, window, lostRecords, members, settingsLeft, notAsked }
}

/** Nodes that have no part in it any more: they may answer, and need not. */
function onlyKnown({ nodes, primary, members, promised, earlier }: ReplicaState): Set<string> {
  const names = new Set(nodes.map(({ name }) => name))
  for (const { name } of [...members, ...(primary ? [primary] : [])]) names.delete(name)
  for (const { node } of [...earlier, ...(promised ? [promised] : [])]) names.delete(node.name)
  return names
}

/** The other copies, as far as they answer. */
function look(collection: Collection, options: PromoteOptions): Promise<Other[]> {
  const { primary, members, promised, earlier, nodes: known } = collection.replication.state
  // whoever was promised an epoch may write in it
  const may = [...earlier, ...(promised ? [promised] : [])].map(({ node }) => node)
  // nodes of earlier days are asked too: one may have been promoted without this one hearing of it
  const nodes = [...(primary ? [primary] : []), ...members, ...may, ...known].filter(
    ({ name }, index, all) =>
      name !== options.self.name && all.findIndex((each) => each.name === name) === index,
  )
  return Promise.all(
    nodes.map(({ name, url }) => copyOf({ name, url }, collection, options, 'copy')),
  )
}

async function copyOf(
  node: NodeAddress,
  collection: Collection,
  { self, transport }: PromoteOptions,
  kind: 'copy' | 'fence',
  epoch?: Epoch,
): Promise<Other> {
  const { name, uuid, replication } = collection
  const own = historiesOf(collection)
  try {
    const header = { collection: name, ...(epoch && { uuid, epoch, node: self, own }) }
    const { fields } = await ask(transport, node, kind, header, { timeoutMs: askMs })
    const state = readCopyState(fields)
    const isOther = state.uuid !== uuid || !areRelated(state, own)
    // a primary that was restored writes: who is promoted beside it has to know
    const isPrimary = node.name === replication.state.primary?.name && state.uuid === uuid
    if (!isOther || isPrimary) return { node, state, problem: undefined }
    return fail('divergence', `${node.name} has another collection of that name`, 'Look at both.')
  } catch (error) {
    if (!isOperatingError(error)) throw error
    return { node, state: undefined, problem: error }
  }
}

/** What somebody need not hear: it is found out later. */
async function tell(
  { transport }: PromoteOptions,
  node: NodeAddress,
  kind: string,
  header: object,
): Promise<void> {
  await ask(transport, node, kind, header, { timeoutMs: askMs }).catch(() => {})
}

const newestNumber = (state: CopyState | undefined): number =>
  Math.max(state?.epoch.number ?? 0, state?.promised?.number ?? 0)

function lossWindow(
  collection: Collection,
  others: readonly Other[],
  { lag, clock }: PromoteOptions,
): LossWindow {
  const { primary } = collection.replication.state
  const seen = others.find(({ node }) => node.name === primary?.name)?.state
  const { committedAtUs, lsn } = collection.replication.durable
  // a record that is not here was committed after the newest one that is
  const asOfMs = Math.max(
    committedAtUs / 1000,
    lag?.asOfAt == null ? Number.NEGATIVE_INFINITY : Date.parse(lag.asOfAt),
  )
  const known = committedAtUs > 0 || lag?.asOfAt != null
  return {
    records: isLast(collection) ? 0 : beyond(collection, seen),
    knownRecords: lag?.records ?? 0,
    asOfAt: known ? new Date(asOfMs).toISOString() : null,
    seconds: known ? Math.max(0, clock.nowMs() - asOfMs) / 1000 : null,
    ahead: others
      .filter(
        ({ node, state }) => node.name !== primary?.name && isAhead(state, collection.epoch, lsn),
      )
      .map(({ node }) => node.name),
    unreachable: others.filter(({ state }) => state === undefined).map(({ node }) => node.name),
  }
}

const isAhead = (state: CopyState | undefined, epoch: Epoch, lsn: number): boolean =>
  state !== undefined &&
  (state.epoch.number > epoch.number || (isSameEpoch(state.epoch, epoch) && state.lsn > lsn))

/** Whether this copy is the primary, fenced by a person: nobody else was promised an epoch after its own. */
function isLast({ epoch, replication }: Collection): boolean {
  const { role, promised, earlier } = replication.state
  const others = earlier.some(({ number }) => number > epoch.number)
  return role === 'primary' && promised?.history === noHistory && !others
}

/** Records of the primary that are not here. */
function beyond(collection: Collection, primary: CopyState | undefined): number | null {
  if (primary === undefined) return null
  const { lsn } = collection.replication.durable
  return isSameEpoch(primary.epoch, collection.epoch) ? Math.max(0, primary.lsn - lsn) : null
}

function refuseMissing(
  answers: readonly Other[],
  primary: NodeAddress | null,
  {
    planned,
    without,
    told,
    optional,
  }: {
    planned: boolean
    without: readonly string[]
    told: readonly string[]
    optional: ReadonlySet<string>
  },
): void {
  for (const { node, problem } of answers) {
    if (problem === undefined || optional.has(node.name)) continue
    if (problem.code === 'fenced') throw problem
    const isPrimary = node.name === primary?.name
    // no copy, no records of this history, and nobody who writes in it
    const hasNone = problem.code === 'collection-not-found' || problem.code === 'divergence'
    if (hasNone && !isPrimary) continue
    // who answered a moment ago may write now: what was told of the loss holds no more
    const wasTold = told.includes(node.name)
    if (wasTold && (isPrimary ? !planned : without.includes(node.name))) continue
    fail(
      'unreachable',
      `${node.name} did not promise to follow: ${problem.message}`,
      isPrimary
        ? 'It answered before, or has to: nothing was changed. Promote again without --planned, and read what may be lost now.'
        : `If it is gone for good, promote with --without ${node.name}; it has to join again then.`,
      { cause: problem },
    )
  }
}

/** What the old primary has and this copy lacks is taken over while it writes no more. */
async function handOver(
  collection: Collection,
  { node, state }: Other,
  promised: Epoch,
  { self, transport, clock, planned = false }: PromoteOptions,
): Promise<void> {
  const { replication, name, uuid, epoch } = collection
  if (state === undefined || !isSameEpoch(state.epoch, epoch)) return
  const deadlineMs = clock.monotonicMs() + (planned ? handOverMs : limits.standbyGoneMs)
  while (replication.durable.lsn < state.lsn && clock.monotonicMs() < deadlineMs) {
    const { lsn, chain } = replication.durable
    const request = {
      collection: name,
      uuid,
      epoch,
      node: self.name,
      lsn,
      chain,
      promised,
      waitMs: 0,
    }
    try {
      const { fields, body } = await ask(transport, node, 'ship', request, { timeoutMs: askMs })
      if (fields.text('kind') !== 'records') return
      await replication.follow({
        epoch: readEpoch(fields.object('epoch')),
        bytes: body,
        promised: true,
      })
      if (replication.durable.lsn === lsn) return
    } catch (error) {
      if (!isOperatingError(error, 'unreachable', 'damaged')) throw error
    }
  }
}

function refuseAhead(
  { name, epoch, replication }: Collection,
  answers: readonly Other[],
  primary: NodeAddress | null,
): void {
  const { lsn } = replication.durable
  const ahead = answers.find(({ node, state }) =>
    node.name === primary?.name
      ? state !== undefined && state.epoch.number > epoch.number
      : isAhead(state, epoch, lsn),
  )
  if (ahead === undefined) return
  fail(
    'possible-loss',
    `${ahead.node.name} has ${name} up to LSN ${ahead.state?.lsn}, in epoch ${ahead.state?.epoch.number}; this node up to LSN ${lsn}, in epoch ${epoch.number}`,
    `Promote ${ahead.node.name}; nothing was changed.`,
  )
}

/** Those that promised. The old primary takes the place of the new one when it answered. */
function membersAfter(
  members: readonly ReplicaMember[],
  primary: NodeAddress | null,
  promised: readonly Other[],
  self: NodeAddress,
): ReplicaMember[] {
  const own = members.find(({ name }) => name === self.name)
  const kept = members.filter(({ name }) => promised.some(({ node }) => node.name === name))
  const joins = primary !== null && promised.some(({ node }) => node.name === primary.name)
  return joins ? [...kept, { ...primary, mode: own?.mode ?? 'async' }] : kept
}

const answersMissing = (others: readonly Other[], promised: readonly Other[]): string[] =>
  others
    .filter(({ node }) => !promised.some((each) => each.node.name === node.name))
    .map(({ node }) => node.name)
