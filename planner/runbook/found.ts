/**
 * What the ledger knows of the plan's drills and recoveries, for its runbook: every sentence of this
 * file ends up in a block that is marked as measured. Pure.
 */
import type { Audit } from '../audit/audit.ts'
import type { CollectionRecoveries, RecoveryReport } from '../audit/recoveries.ts'
import type { RunSummary } from '../audit/run-summary.ts'
import type { AnySequence } from '../plan/plan.ts'
import { showDuration } from '../step/quantity.ts'

export interface Found {
  /** Drills and recoveries, oldest first. */
  readonly runs: readonly RunSummary[]
  readonly recoveries: readonly CollectionRecoveries[]
}

export const nothingFound: Found = { runs: [], recoveries: [] }

/** Of an audit over the last window of the ledger. */
export const foundIn = ({ runs, sections }: Audit): Found => ({
  runs,
  recoveries: sections?.recoveries ?? [],
})

type Named = Pick<AnySequence, 'kind' | 'name'>

/** The newest run of it, in a sentence. */
export function lastRunText({ kind, name }: Named, found: Found): string {
  const run = found.runs.findLast(
    ({ sequence }) => sequence.kind === kind && sequence.name === name,
  )
  if (run === undefined) return `The ledger knows of no run of ${kind} ${name}.`
  return runText(run, found)
}

/** Drills that brought back one of the collections, the newest run of each. */
export function drillTexts(collections: readonly string[], found: Found): string[] {
  const runs = found.recoveries
    .filter(({ collection }) => collections.includes(collection))
    .flatMap((each) => each.runs)
    .filter(({ sequence }) => sequence.kind === 'drill')
  const newest = new Map(runs.map(({ sequence, run }) => [sequence.name, run]))
  const told = [...newest.values()].flatMap((id) => found.runs.find(({ run }) => run === id) ?? [])
  if (told.length > 0) return told.map((run) => runText(run, found))
  return [
    `No drill in the ledger brought back ${collections.join(', ')}: how long it takes is not proven.`,
  ]
}

function runText(run: RunSummary, { recoveries }: Found): string {
  const { sequence, outcome, startedAt, durationMs } = run
  const took = durationMs === null ? '' : ` in ${showDuration(durationMs)}`
  const measured = recoveries.flatMap(({ collection, runs }) =>
    runs.filter((each) => each.run === run.run).map((each) => measuredText(collection, each)),
  )
  const failure = failureText(run)
  const parts = [
    `${startedAt.slice(0, 10)}: ${sequence.kind} ${sequence.name} ${outcome}${took}`,
    ...measured.filter((text) => text !== ''),
    ...(failure === undefined ? [] : [failure]),
  ]
  return `${parts.join('; ')}.`
}

function measuredText(collection: string, report: RecoveryReport): string {
  const { rtoMs, rpoMs, recall, recordsLost, canary } = report
  const facts = [
    ...(rtoMs === null ? [] : [`RTO ${showDuration(rtoMs)}`]),
    ...(rpoMs === null ? [] : [`RPO ${showDuration(rpoMs)}`]),
    ...(recordsLost === null ? [] : [`log records lost ${recordsLost}`]),
    ...(canary === null ? [] : [`canary points lost ${canary.missing} of ${canary.written}`]),
    ...(recall === null ? [] : [`recall ${recall.toFixed(4)}`]),
  ]
  return facts.length === 0 ? '' : `${collection}: ${facts.join(', ')}`
}

function failureText({ steps, error }: RunSummary): string | undefined {
  const failed = steps.find((step) => step.error !== undefined)
  if (failed?.error !== undefined) return `step ${failed.step}: ${failed.error.message}`
  return error?.message
}
