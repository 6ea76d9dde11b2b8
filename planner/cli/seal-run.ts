/** What the ledger gets at the end of a run: a signature, and an anchor elsewhere. */
import { OperatingError, type Signer } from '../../engine/index.ts'
import { openDestination, readSigner } from '../../engine/operations.ts'
import { anchoredLine, firstLineOf, noteAnchored, putAnchor } from '../ledger/anchors.ts'
import { moveWaiting, readWaiting } from '../ledger/hour-journal.ts'
import { Ledger } from '../ledger/ledger.ts'
import { readHead } from '../ledger/ledger-head.ts'
import type { RunHeader } from '../ledger/ledger-line.ts'
import { takeStateLock } from '../ledger/state-lock.ts'
import { type AnySequence, type Plan, tasksOf } from '../plan/plan.ts'
import { readStanding } from '../standing/read-standing.ts'
import type { Standing } from '../standing/standing.ts'
import { showCount } from '../step/quantity.ts'
import { pause } from '../step/timer.ts'
import type { Context } from './context.ts'
import { statePaths } from './state.ts'

/** A run does not wait longer for its paperwork. */
const anchorPatienceMs = 30_000

/**
 * The key that the plan signs its ledger with; undefined when it does not. Asked for before anything runs.
 * @throws `key-refused` when it is lost, or another one than that of the ledger
 */
export async function ledgerSigner(
  context: Context,
  plan: Plan,
  standing: Standing,
): Promise<Signer | undefined> {
  const { signingKeyFile } = plan.ledger
  if (signingKeyFile === undefined) return undefined
  const signer = await readSigner(signingKeyFile, context.io.disk)
  const before = standing.signedBy()
  if (before === undefined || before === signer.publicKey) return signer
  throw new OperatingError(
    'key-refused',
    `${signingKeyFile} is the key ${signer.publicKey}, and the ledger is signed by ${before}`,
    `Put the key back that signed it. To go on with another one: vectra-dr ledger sign ${plan.file} --new-key.`,
    { place: { file: signingKeyFile } },
  )
}

/** Signs and anchors what the run wrote. Neither may hide how it ended: what fails is told. */
export async function sealRun(
  context: Context,
  plan: Plan,
  ledger: Ledger,
  header: RunHeader,
  standing: Standing,
  signer: Signer | undefined,
): Promise<void> {
  const head = await readHead(context.io.disk, ledger.file)
  const isNew = typeof head !== 'object' || head.line !== standing.signedLine()
  if (signer !== undefined && isNew && head !== 'missing') {
    try {
      standing.read(await ledger.sign(header, signer))
    } catch (error) {
      await context.warn(`the run is not signed: ${messageOf(error)}; the next signature covers it`)
    }
  }
  await anchorLedger(context, plan, ledger.file, header.run, signer)
}

/** Whether its runs are summed up by the hour: it ships log at an interval and does nothing else. */
export const isSummedUp = (sequence: AnySequence): boolean =>
  sequence.kind === 'schedule' &&
  sequence.rhythm.kind === 'every' &&
  sequence.always.length === 0 &&
  tasksOf(sequence.steps).every(({ kind }) => kind === 'archive')

/** Moves the running hour into the ledger before it is over, unless a run is under way, which does that itself. */
export async function closeHour(context: Context, plan: Plan): Promise<void> {
  const { disk, clock, timer } = context.io
  const state = statePaths(plan, context.state)
  const waiting = await readWaiting(disk, state.ledger, plan.name)
  const header = waiting.at(-1)?.header
  if (header === undefined) return
  try {
    const lock = await takeStateLock(disk, clock, state.lock, `a run of plan ${plan.name}`)
    try {
      const ledger = new Ledger(state.ledger, { disk, clock, timer })
      const signer = await moveHour(context, plan, ledger)
      const { standing } = await readStanding(disk, state.ledger, plan.name)
      await sealRun(context, plan, ledger, header, standing, signer)
    } finally {
      await lock.release()
    }
  } catch (error) {
    await context.warn(`the running hour is not in the ledger yet: ${messageOf(error)}`)
  }
}

/**
 * Moves what waits into the ledger, under the lock of the plan's runs.
 * @returns the key that signs the ledger
 * @throws `key-refused`, with nothing moved
 */
export async function moveHour(
  context: Context,
  plan: Plan,
  ledger: Ledger,
): Promise<Signer | undefined> {
  const { disk } = context.io
  const { standing } = await readStanding(disk, ledger.file, plan.name)
  const signer = await ledgerSigner(context, plan, standing)
  await moveWaiting(disk, ledger, plan.name, signer)
  return signer
}

/** Anchors the head, where the plan says to; a failure is told and made up for the next time. */
export async function anchorLedger(
  context: Context,
  plan: Plan,
  file: string,
  run: string,
  signer: Signer | undefined,
): Promise<void> {
  const { disk, clock } = context.io
  const destination = plan.destinations.get(plan.ledger.anchor ?? '')
  if (destination === undefined) return
  const known = await anchoredLine(disk, file)
  const head = await readHead(disk, file)
  if (typeof head === 'string') {
    await context.warn(`the ledger is not anchored: its head is ${head}`)
    return
  }
  if (known === head.line) return
  const { url, objectLock: lockPolicy } = destination
  try {
    const ledger = await firstLineOf(disk, file)
    if (ledger === undefined) return
    const anchor = await inTime(
      context,
      putAnchor(openDestination(url, disk), {
        ...{ plan: plan.name, run, at: clock.nowMs(), head, ledger },
        ...(signer && { signer }),
        ...(lockPolicy && { lockPolicy }),
      }),
    )
    await noteAnchored(disk, file, anchor)
  } catch (error) {
    const behind = showCount(head.line - known, 'line')
    await context.warn(
      `the ledger is not anchored at ${destination.name}: ${messageOf(error)}; ${behind} wait for the next run`,
    )
  }
}

/** @throws `unreachable` when it takes too long; it may still come to an end */
async function inTime<T>({ io }: Context, work: Promise<T>): Promise<T> {
  const done = new AbortController()
  const late = pause(io.timer, anchorPatienceMs, done.signal).then(() => {
    const text = `it takes more than ${anchorPatienceMs / 1_000} s`
    throw new OperatingError('unreachable', text, 'Look at the destination.')
  })
  work.catch(() => {})
  late.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    done.abort()
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
