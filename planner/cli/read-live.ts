/** What targets and destinations of a plan say now, each asked once, side by side; who does not answer says why. */
import { OperatingError } from '../../engine/index.ts'
import type { Plan } from '../plan/plan.ts'
import type { Live } from '../standing/live-points.ts'
import { engineRepositories } from '../target/engine-repositories.ts'
import { planLocations } from '../target/locations.ts'
import { openTargets } from '../target/open-targets.ts'
import type { Holding } from '../target/repositories.ts'
import { brokenOn, type Copy } from '../target/standby.ts'
import type { Position } from '../target/target.ts'
import type { Context } from './context.ts'

export interface LiveReading extends Live {
  /** Copies of replicated collections, by collection and target; those of targets that answered. */
  readonly standbys: readonly LiveStandby[]
  /** Why nothing is known: by collection, and by destination. */
  readonly silent: {
    readonly collections: ReadonlyMap<string, string>
    readonly destinations: ReadonlyMap<string, string>
    /** By target that follows. */
    readonly standbys: ReadonlyMap<string, string>
  }
}

/** How a copy of a collection stands right now. */
export interface LiveStandby {
  readonly collection: string
  readonly target: string
  /** Before it was asked, epoch milliseconds. */
  readonly at: number
  /** Null: the target has none, or `problem` says why it cannot be looked at. */
  readonly copy: Copy | null
  readonly problem?: string | null
}

/** @throws what is no operating error; the rest is in `silent` */
export async function readLive({ io }: Context, plan: Plan): Promise<LiveReading> {
  const { disk, clock, stopSignal } = io
  const locate = planLocations(plan, disk)
  const target = openTargets(plan, disk, clock, locate)
  const repositories = engineRepositories(disk, clock, locate)
  const work = { signal: stopSignal, progress: () => {}, remark: () => {} }
  const positions = new Map<string, Position>()
  const holdings = new Map<string, Holding>()
  const standbys: LiveStandby[] = []
  const silent = {
    collections: new Map<string, string>(),
    destinations: new Map<string, string>(),
    standbys: new Map<string, string>(),
  }
  const ask = async (why: Map<string, string>, name: string, work: () => Promise<void>) => {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof OperatingError) || stopSignal.aborted) throw error
      why.set(name, error.message)
    }
  }
  await Promise.all([
    ...[...plan.collections.values()].map(({ name, target: home }) =>
      ask(silent.collections, name, async () => {
        positions.set(name, await target(home).position(name, work))
      }),
    ),
    ...[...plan.destinations.values()].map(({ name, url }) =>
      ask(silent.destinations, name, async () => {
        holdings.set(name, await repositories.holding(url))
      }),
    ),
    ...followersIn(plan).map((name) =>
      ask(silent.standbys, name, async () => {
        const at = clock.nowMs()
        const { standby } = target(name)
        if (standby === undefined) throw new OperatingError('not-offered', 'it is no node', '')
        const reading = await standby.read(work)
        for (const { collection, to } of plan.replication.values()) {
          if (!to.includes(name)) continue
          const copy = reading.copies.find((each) => each.name === collection) ?? null
          const problem = brokenOn(reading, collection)?.message ?? null
          standbys.push({ collection, target: name, at, copy, problem })
        }
      }),
    ),
  ])
  return { positions, holdings, standbys, silent }
}

const followersIn = ({ replication }: Plan): string[] => [
  ...new Set([...replication.values()].flatMap(({ to }) => to)),
]
