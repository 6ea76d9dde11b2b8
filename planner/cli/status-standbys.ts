/** What `status` tells of standbys: how far behind, as of when, and which losses each survives. */
import type { LastLook } from '../audit/last-looks.ts'
import type { Plan } from '../plan/plan.ts'
import { type DomainKind, domainKinds, survival } from '../plan/survival.ts'
import { showBytes, showCount, showDuration } from '../step/quantity.ts'
import type { Context } from './context.ts'
import type { LiveReading } from './read-live.ts'
import { printTable } from './table.ts'

/** How a standby is known to stand. */
export interface StandbyStatus {
  readonly collection: string
  readonly standby: string
  readonly mode: 'async' | 'sync'
  /** What it lacked when it was looked at; null: not known. */
  readonly lagRecords: number | null
  readonly lagBytes: number | null
  readonly lagSeconds: number | null
  /** When it was looked at, ISO 8601; null: nobody ever did. */
  readonly lookedAt: string | null
  /** Asked just now, or remembered from a step that looked. */
  readonly isLive: boolean
  /** What a takeover might lose now, by its last look: the lag, and all the time since; null: without bound. */
  readonly exposureMs: number | null
  readonly maxLagMs: number | null
  /** Losses of its primary's place that it is known to survive; never a mistake, which it follows. */
  readonly survives: readonly DomainKind[]
  /** What is wrong with it; null: nothing that is known. */
  readonly problem: string | null
}

/** In the order of the plan; empty where nothing is replicated. @param now epoch milliseconds */
export function standbysOf(
  { replication, targets }: Plan,
  looks: readonly LastLook[],
  live: LiveReading | undefined,
  now: number,
): StandbyStatus[] {
  return [...replication.values()].flatMap(({ collection, from, to, mode, maxLagMs = null }) =>
    to.map((standby): StandbyStatus => {
      const [home, here] = [from, standby].map((name) => targets.get(name)?.domains ?? {})
      const isOurs = (each: { readonly collection: string; readonly target: string }) =>
        each.collection === collection && each.target === standby
      const known = looks.find(isOurs)
      const asked = liveOf(live, isOurs, standby)
      // who does not answer now stands as it was when somebody last looked
      const look = asked?.look ?? known
      return {
        ...{ collection, standby, mode },
        lagRecords: look?.records ?? null,
        lagBytes: look?.bytes ?? null,
        lagSeconds: look?.seconds ?? null,
        lookedAt: look === undefined ? null : new Date(look.at).toISOString(),
        isLive: asked?.look !== undefined,
        exposureMs:
          look === undefined ? null : Math.max(0, Math.round(now - look.at + look.seconds * 1_000)),
        maxLagMs,
        survives: domainKinds.filter(
          (kind) => survival(home ?? {}, here ?? {}, kind) === 'survives',
        ),
        problem: asked?.problem ?? null,
      }
    }),
  )
}

type Look = Pick<LastLook, 'at' | 'seconds' | 'records' | 'bytes'>

interface Asked {
  readonly look?: Look
  readonly problem: string | null
}

/** Undefined where nobody was asked. */
function liveOf(
  live: LiveReading | undefined,
  isOurs: (each: { readonly collection: string; readonly target: string }) => boolean,
  standby: string,
): Asked | undefined {
  if (live === undefined) return undefined
  const silent = live.silent.standbys.get(standby)
  const found = live.standbys.find(isOurs)
  if (silent !== undefined || found === undefined) return { problem: silent ?? 'not asked' }
  const { at, copy } = found
  if (copy === null) return { problem: found.problem ?? 'it has no copy' }
  if (copy.role === 'primary') return { problem: `it writes itself, in epoch ${copy.epoch.number}` }
  const { following } = copy
  if (following === null) return { problem: 'it follows nobody' }
  const { seconds, records, bytes, state } = following
  const problem = following.problem ?? (state === 'following' ? null : state)
  return { ...(seconds !== null && { look: { at, seconds, records, bytes } }), problem }
}

/** A table, and a line for each that something is wrong with. */
export async function tellStandbys(
  context: Pick<Context, 'print' | 'warn'>,
  standbys: readonly StandbyStatus[],
): Promise<void> {
  await printTable(
    context,
    ['replica of', 'on', 'lag', 'looked at', 'may lose now', 'survives the loss of'],
    standbys.map((each) => [
      each.collection,
      `${each.standby} (${each.mode})`,
      lagText(each),
      each.lookedAt === null ? 'never' : agoText(each),
      each.exposureMs === null ? 'not known' : showAge(each.exposureMs),
      each.survives.join(' ') || 'nothing that is known',
    ]),
  )
  for (const { collection, standby, problem } of standbys) {
    if (problem !== null) await context.warn(`standby ${standby} of ${collection}: ${problem}`)
  }
}

function lagText({ lagSeconds, lagRecords, lagBytes }: StandbyStatus): string {
  if (lagSeconds === null) return 'not measured'
  return [
    ...(lagRecords === null ? [] : [showCount(lagRecords, 'record')]),
    ...(lagBytes === null ? [] : [showBytes(lagBytes)]),
    `${lagSeconds.toFixed(1)} s`,
  ].join(', ')
}

function agoText({ isLive, exposureMs, lagSeconds }: StandbyStatus): string {
  if (isLive) return 'now'
  const agoMs = Math.max(0, (exposureMs ?? 0) - (lagSeconds ?? 0) * 1_000)
  return `${showAge(agoMs)} ago`
}

const showAge = (ms: number): string =>
  ms < 1_000 ? '0 s' : showDuration(Math.floor(ms / 1_000) * 1_000)
