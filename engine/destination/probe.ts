/**
 * What a store really honours, found out by doing it: the promises that a repository rests on, one by one.
 *
 * Works in a place of its own below the root and takes away what it wrote, old versions included. The
 * lock of the probe lasts two seconds, which it waits for.
 */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { isOperatingError } from '../base/errors.ts'
import type { Timer } from '../base/timer.ts'
import { type Destination, getWhole, type ObjectLocking } from './destination.ts'

export const probeChecks = [
  'read after write',
  'replace',
  'conditional put',
  'one winner of 8',
  'ranges',
  'list',
  'delete',
  'object lock',
] as const
export type ProbeCheck = (typeof probeChecks)[number]

export interface ProbeFinding {
  readonly check: ProbeCheck
  /** `absent`: the store does not claim it. */
  readonly verdict: 'honoured' | 'broken' | 'refused' | 'absent'
  readonly detail: string
}

/** Plain data. */
export interface ProbeReport {
  readonly url: string
  /** Whether a repository can be written there. */
  readonly fit: boolean
  /** Whether what is written there can be locked. */
  readonly locks: boolean
  readonly findings: readonly ProbeFinding[]
  /** Everything that was written is gone. */
  readonly removed: boolean
}

export interface ProbeWorld {
  readonly clock: Clock
  readonly timer: Timer
}

/** Without these a repository cannot be kept. Deletion is not one: an append-only role is a good role. */
const needed: readonly ProbeCheck[] = [
  'read after write',
  'replace',
  'conditional put',
  'one winner of 8',
  'ranges',
  'list',
]

const lockMs = 2_000
const racers = 8

/**
 * @param open gives another client of the same place at each call
 * @throws what makes all of it pointless: `unreachable`, `credential-refused`, `bucket-not-found`
 */
export async function probeStore(
  open: () => Destination,
  { clock, timer }: ProbeWorld,
): Promise<ProbeReport> {
  const destination = open()
  const place = new ProbePlace(destination)
  const findings: ProbeFinding[] = []
  const tried = async (check: ProbeCheck, work: () => Promise<Outcome>) => {
    findings.push(await judge(check, work))
  }
  await destination.head(place.key('first')) // somebody must answer at all
  await tried('read after write', () => readAfterWrite(place, open))
  await tried('replace', () => replace(place))
  await tried('conditional put', () => conditionalPut(place))
  await tried('one winner of 8', () => oneWinner(place, open))
  await tried('ranges', () => ranges(place))
  await tried('list', () => list(place))
  await tried('delete', () => remove(place))
  await tried('object lock', () => lock(place, { clock, timer }))
  const removed = await place.clear()
  const honours = (check: ProbeCheck) =>
    findings.some((each) => each.check === check && each.verdict === 'honoured')
  return {
    url: destination.url,
    fit: needed.every(honours),
    locks: honours('object lock'),
    findings,
    removed,
  }
}

/** Where the probe writes, and what it has written. */
class ProbePlace {
  readonly destination: Destination
  readonly prefix = `vectra-probe-${randomUUID()}-`
  readonly #written = new Set<string>()

  constructor(destination: Destination) {
    this.destination = destination
  }

  key(name: string): string {
    const key = this.prefix + name
    this.#written.add(key)
    return key
  }

  /** @returns whether all of it is gone */
  async clear(): Promise<boolean> {
    let removed = true
    for (const key of this.#written) {
      const removing = this.destination.purge?.(key) ?? this.destination.delete(key)
      await removing.catch((error: unknown) => {
        if (!isOperatingError(error)) throw error
        removed = false
      })
    }
    return removed
  }
}

/** What one check found, where the store answered. */
interface Outcome {
  readonly verdict: 'honoured' | 'broken' | 'absent'
  readonly detail: string
}

const honoured = (detail: string): Outcome => ({ verdict: 'honoured', detail })
const broken = (detail: string): Outcome => ({ verdict: 'broken', detail })
const absent = (detail: string): Outcome => ({ verdict: 'absent', detail })

/** A store that is away has not been probed. */
async function judge(check: ProbeCheck, work: () => Promise<Outcome>): Promise<ProbeFinding> {
  try {
    return { check, ...(await work()) }
  } catch (error) {
    const isAway = isOperatingError(error, 'unreachable', 'bucket-not-found')
    if (isAway || !isOperatingError(error)) throw error
    return { check, verdict: 'refused', detail: error.message }
  }
}

const text = async (destination: Destination, key: string) =>
  (await getWhole(destination, key, 1_000))?.toString()

async function readAfterWrite(place: ProbePlace, open: () => Destination): Promise<Outcome> {
  const key = place.key('written')
  await place.destination.put(key, Buffer.from('0123456789'))
  if ((await text(place.destination, key)) !== '0123456789')
    return broken('what was put is not read back')
  if ((await text(open(), key)) !== '0123456789')
    return broken('another connection does not see it')
  return honoured('at once, on another connection too')
}

async function replace(place: ProbePlace): Promise<Outcome> {
  const key = place.key('replaced')
  for (const value of ['one', 'two']) await place.destination.put(key, Buffer.from(value))
  if ((await text(place.destination, key)) !== 'two') return broken('the old value is still read')
  return honoured('the new value is read at once')
}

async function conditionalPut(place: ProbePlace): Promise<Outcome> {
  const key = place.key('conditional')
  const put = (value: string) => place.destination.put(key, Buffer.from(value), { ifAbsent: true })
  if (!(await put('one'))) return broken('a name that nobody used counts as taken')
  const second = await put('two')
  const standing = await text(place.destination, key)
  if (second || standing !== 'one') return broken('a value that must not be overwritten was')
  return honoured('a value that stands is kept')
}

async function oneWinner(place: ProbePlace, open: () => Destination): Promise<Outcome> {
  const key = place.key('raced')
  const clients = Array.from({ length: racers }, open)
  const won = await Promise.all(
    clients.map((client, racer) =>
      client.put(key, Buffer.from(`racer ${racer}`), { ifAbsent: true }),
    ),
  )
  const winners = won.filter(Boolean).length
  if (winners !== 1) return broken(`${winners} of ${racers} won`)
  const standing = await text(place.destination, key)
  if (standing !== `racer ${won.indexOf(true)}`) return broken('the value is not the winner’s')
  return honoured(`of ${racers} at once exactly one won`)
}

async function ranges(place: ProbePlace): Promise<Outcome> {
  const key = place.key('ranges')
  await place.destination.put(key, Buffer.from('0123456789'))
  for (const [offset, length, expected] of [
    [0, 3, '012'],
    [4, 3, '456'],
    [8, 5, '89'],
    [20, 5, ''],
  ] as const) {
    const target = Buffer.alloc(length)
    const got = await place.destination.get(key, target, offset)
    const read = target.subarray(0, got?.readBytes).toString()
    if (read !== expected || got?.sizeBytes !== 10)
      return broken(`bytes from ${offset} are not those`)
  }
  return honoured('parts, and what lies beyond the end')
}

async function list(place: ProbePlace): Promise<Outcome> {
  for (const name of ['list-b', 'list-a', 'listed']) {
    await place.destination.put(place.key(name), Buffer.from('x'))
  }
  const keys: string[] = []
  for await (const { key } of place.destination.list(`${place.prefix}list-`)) {
    keys.push(key.slice(place.prefix.length))
  }
  if (keys.join() !== 'list-a,list-b') return broken(`it shows ${keys.join(', ') || 'nothing'}`)
  return honoured('what was just put, in order, without neighbours')
}

async function remove(place: ProbePlace): Promise<Outcome> {
  const key = place.key('deleted')
  await place.destination.put(key, Buffer.from('x'))
  await place.destination.delete(key)
  if ((await place.destination.head(key)) !== undefined)
    return broken('what was deleted is still there')
  return honoured('what was deleted is gone at once')
}

async function lock(place: ProbePlace, world: ProbeWorld): Promise<Outcome> {
  const { objectLock: locks } = place.destination
  if (locks === undefined) return absent('this kind of destination has no locks')
  if (!(await locks.isHonoured())) return absent('the bucket has no object lock')
  return lockOnce(place, locks, world)
}

async function lockOnce(
  place: ProbePlace,
  locks: ObjectLocking,
  { clock, timer }: ProbeWorld,
): Promise<Outcome> {
  const key = place.key('locked')
  const untilMs = Math.ceil((clock.nowMs() + lockMs) / 1_000) * 1_000
  await place.destination.put(key, Buffer.from('x'), { lock: { mode: 'governance', untilMs } })
  const standing = await locks.lockOf(key)
  const holds = standing?.retention?.untilMs === untilMs && (await locks.resists(key))
  // a second more, for the store's clock
  await new Promise<void>((resolve) =>
    timer.after(untilMs - clock.nowMs() + 1_000, () => resolve()),
  )
  if (!holds) return broken('a locked value can be deleted')
  return honoured('a locked value resists its deletion')
}
