/** `restore`: brings a snapshot back as a collection of a target; the name is put in place last. */
import { randomInt } from 'node:crypto'
import {
  fail,
  isJsonObject,
  isOperatingError,
  type JsonObject,
  type OperatingError,
  parseMoment,
  sha256Hex,
} from '../../engine/index.ts'
import type { RandomSnapshot, RestoreInput } from '../plan/step-inputs.ts'
import { formatDuration } from '../plan/units.ts'
import { accessWords, typedDestination, vectraCli } from '../target/command-line.ts'
import { estimateFrom } from './estimate.ts'
import { examineRestore } from './examine-restore.ts'
import { noting } from './found-note.ts'
import { toIso } from './observation.ts'
import { urlOf } from './parts-of-plan.ts'
import { showCount } from './quantity.ts'
import { snapshotText } from './snapshot-text.ts'
import type { StepContext, StepFaces, StepResult } from './step.ts'

export const restore: StepFaces<'restore'> = {
  kind: 'restore',
  run,
  describe: (input, plan) => ({
    sentence: `Restore ${what(input)} from ${input.from.join(' or ')} to ${input.into} as ${nameText(input)}`,
    expected: `${nameText(input)} with its points, how much of its content is proven, and the recovery point: what was written after that is lost`,
    back: backText(input),
    commands: [
      vectraCli(
        plan,
        input.into,
        ...['collections', 'restore', input.collection],
        ...input.from.flatMap((name) => ['--source', typedDestination(plan, name)]),
        ...accessWords(plan, input.from, 'reads'),
        ...choiceWords(input),
        ...(input.as === undefined ? [] : ['--new-collection-name', input.as.text]),
        ...(input.replace ? ['--replace'] : []),
        ...(input.reindex ? ['--reindex'] : []),
        '--wait',
      ),
    ],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'restore' }, 30_000),
  touches: (input) => [
    ...input.from.map((name) => ({ access: 'reads', what: 'destination', name }) as const),
    {
      access: input.replace ? 'destroys' : 'writes',
      what: 'target',
      name: `${input.into}/${nameText(input)}`,
    },
  ],
  needs: ({ into, snapshot }) => [
    {
      target: into,
      capabilities: snapshot.kind === 'moment' ? ['restore', 'restore to a moment'] : ['restore'],
    },
  ],

  examine(input, interrupted, context) {
    const { collection: restoredFrom, into: target } = input
    const collection = input.as === undefined ? restoredFrom : context.text(input.as, restoredFrom)
    return examineRestore({ target, collection }, interrupted, context, (chosen) => {
      const { snapshotId, recoveryPoint, takenAt, record, ...rest } = chosen
      const point = isJsonObject(recoveryPoint) ? recoveryPoint : {}
      return {
        ...{ target, collection, restoredFrom },
        snapshot: snapshotId ?? null,
        lsn: point['lsn'] ?? null,
        takenAt: takenAt ?? null,
        recoveryPoint: { ...point, observedAt: takenAt ?? null },
        ...(isJsonObject(record) && record),
        ...rest,
      }
    })
  },

  async undo(input, record, context) {
    const name = record.outputs['collection']
    if (input.replace || typeof name !== 'string') {
      context.remark('what the restore replaced is gone; the restored collection stays')
      return undefined
    }
    const { dropped } = await context.target(input.into).drop(name, true, context)
    return { outputs: { dropped } }
  },
}

const backText = (input: RestoreInput): string =>
  input.replace
    ? 'what it replaced is gone; another snapshot or moment can be restored in its place'
    : `drop ${nameText(input)} on ${input.into}; nothing else was touched`

const what = ({ snapshot, collection }: RestoreInput): string =>
  snapshot.kind === 'moment'
    ? `${collection} as it was at ${snapshot.at.text}`
    : `${snapshotText(snapshot)} of ${collection}`

/** A person takes any snapshot where a random one is wanted; `backup list` shows them. */
function choiceWords({ snapshot }: RestoreInput): string[] {
  if (snapshot.kind === 'id') return ['--snapshot-id', snapshot.id.text]
  if (snapshot.kind === 'moment') return ['--at', snapshot.at.text]
  return snapshot.kind === 'random' ? ['--snapshot-id', 'ID'] : []
}

const nameText = ({ as, collection }: RestoreInput): string => as?.text ?? collection

async function run(input: RestoreInput, context: StepContext): Promise<StepResult> {
  const { collection, into } = input
  const urls = new Map(input.from.map((name) => [urlOf(context.plan, name), name]))
  const chosen = await choose(input, [...urls.keys()], context)
  const restored = await context.target(into).restore(
    {
      collection,
      sources: [...urls.keys()],
      ...chosen.request,
      as: input.as === undefined ? collection : context.text(input.as, collection),
      replace: input.replace,
      reindex: input.reindex,
    },
    noting(context, (note) => named(note, urls, chosen.record)),
  )
  const { name, source, snapshotId, takenAt, recoveryPoint, moment, ...rest } = restored
  if (moment !== undefined && moment.beyondRecords > 0) {
    const beyond = showCount(moment.beyondRecords, 'record')
    context.remark(`left out: ${beyond} beyond LSN ${recoveryPoint.lsn}`)
  }
  return {
    outputs: {
      target: into,
      collection: name,
      restoredFrom: collection,
      snapshot: snapshotId,
      lsn: recoveryPoint.lsn,
      source: urls.get(source) ?? source,
      takenAt: toIso(takenAt),
      // the snapshot's own word that the source stood there at that instant
      recoveryPoint: { ...recoveryPoint, observedAt: toIso(takenAt) },
      ...chosen.record,
      ...(moment && { at: moment.at, moment: { ...moment } }),
      ...rest,
    },
  }
}

interface Chosen {
  readonly request: { readonly snapshotId?: string; readonly at?: string }
  /** How it was chosen, for the record. */
  readonly record: JsonObject
}

async function choose(
  { collection, snapshot }: RestoreInput,
  sources: readonly string[],
  context: StepContext,
): Promise<Chosen> {
  switch (snapshot.kind) {
    case 'latest':
      return { request: {}, record: {} }
    case 'id':
      return { request: { snapshotId: context.text(snapshot.id, collection) }, record: {} }
    case 'moment':
      return { request: { at: momentText(context.text(snapshot.at, collection)) }, record: {} }
    case 'random':
      return chooseRandom(collection, snapshot, sources, context)
    default:
      return snapshot satisfies never
  }
}

/**
 * Without the line end of a program that printed it.
 * @throws `usage` for what an answer or a variable brought that is no moment
 */
function momentText(text: string): string {
  const moment = text.trim()
  parseMoment(moment)
  return moment
}

/** Among those of the first destination that has any; each is as likely as the others. */
async function chooseRandom(
  collection: string,
  { withinMs, seed = randomInt(2 ** 32) }: RandomSnapshot,
  sources: readonly string[],
  { clock, repositories, remark }: StepContext,
): Promise<Chosen> {
  const since = clock.nowMs() - withinMs
  let failure: OperatingError | undefined
  for (const source of sources) {
    const ids = await repositories.since(source, { collection, since }).catch((error: unknown) => {
      // one destination that is not there does not take the others away
      if (!isOperatingError(error, 'repository-not-found', 'unreachable')) throw error
      failure ??= error
      remark(error.message)
      return []
    })
    const chosen = ids[Number.parseInt(sha256Hex(String(seed)).slice(0, 12), 16) % ids.length]
    if (chosen === undefined) continue
    remark(`snapshot ${chosen}, one of ${ids.length}, chosen by seed ${seed}`)
    return {
      request: { snapshotId: chosen },
      record: { chosen: { seed, among: ids.length, since: toIso(since) } },
    }
  }
  if (failure !== undefined) throw failure
  return fail(
    'snapshot-not-found',
    `no snapshot of ${collection} was taken in the last ${formatDuration(withinMs)}`,
    'Take a backup, or choose from a longer time.',
  )
}

/** The note of what was chosen, with the names of destinations instead of their URLs. */
function named(
  note: JsonObject,
  urls: ReadonlyMap<string, string>,
  record: JsonObject,
): JsonObject {
  const { chosen } = note
  if (!isJsonObject(chosen)) return note
  const source = urls.get(String(chosen['source'])) ?? 'unknown'
  return { ...note, chosen: { ...chosen, source, record } }
}
