/**
 * What a report tells, in its order, apart from how it looks. Markdown and HTML are made from the same
 * story, so that they cannot tell different ones. Pure.
 *
 * The order is the reader's: the verdict first, then the numbers, then why, then what happened, then
 * how to check it.
 */
import type { Audit } from '../audit/audit.ts'
import type { Differences } from '../audit/differences.ts'
import type { RunSummary, StepSummary } from '../audit/run-summary.ts'
import type { Verdict, VerdictKind } from '../audit/verdict.ts'
import { showCount, showDuration } from '../step/quantity.ts'
import type { Block, Section, Story } from './block.ts'
import { chartBlocks } from './chart-blocks.ts'
import { differenceSection } from './difference-story.ts'
import { ledgerReferences } from './ledger-references.ts'
import { sectionStory } from './section-story.ts'

/** The story of an audit. The same audit tells the same story. */
export function tellStory(audit: Audit, differences?: Differences): Story {
  return {
    title: titleOf(audit),
    verdict: overall(audit),
    lead: leadOf(audit),
    sections: [
      objectives(audit),
      ...audit.verdicts.map(verdictSection),
      ...(audit.sections === undefined ? [] : sectionStory(audit.sections, chartBlocks(audit))),
      ...(differences === undefined ? [] : [differenceSection(differences)]),
      ...runSections(audit),
      ...ledgerSection(audit),
      provenance(audit),
    ],
  }
}

function titleOf({ scope, plan, runs }: Audit): string {
  const [run] = runs
  if (scope === 'window' || run === undefined) return `Recovery audit of ${plan.name}`
  return `${run.sequence.kind === 'drill' ? 'Drill' : 'Schedule'} ${run.sequence.name} of ${plan.name}`
}

/** Nothing judged is nothing proven. */
export function overall({ totals }: Audit): VerdictKind {
  if (totals.missed > 0) return 'missed'
  return totals.unproven > 0 || totals.met === 0 ? 'unproven' : 'met'
}

/** The verdicts in one sentence. */
export function leadOf({ totals, verdicts }: Audit): string {
  if (verdicts.length === 0) return 'No objective was judged.'
  const all = showCount(verdicts.length, 'objective')
  if (totals.met === verdicts.length) return `${all} judged, all met.`
  const parts = (['met', 'missed', 'unproven'] as const)
    .filter((kind) => totals[kind] > 0)
    .map((kind) => `${totals[kind]} ${kind}`)
  return `${all} judged: ${parts.join(', ')}.`
}

const objectives = ({ verdicts }: Audit): Section => ({
  heading: 'Objectives',
  blocks:
    verdicts.length === 0
      ? [
          {
            kind: 'paragraph',
            text: 'The plan states no objective that this could be held against.',
          },
        ]
      : [
          {
            kind: 'table',
            columns: ['Collection', 'Objective', 'Verdict', 'Wanted', 'Actual'],
            rows: verdicts.map((verdict) => [
              verdict.collection,
              objectiveName(verdict),
              { verdict: verdict.verdict },
              wantedText(verdict),
              { text: actualText(verdict), lines: verdict.evidence.map(({ line }) => line) },
            ]),
          },
        ],
})

/** `RPO`, `RTO`, `recall@10`. */
export const objectiveName = ({ objective, measured }: Verdict): string =>
  objective === 'recall' ? `recall@${measured.k ?? 10}` : objective.toUpperCase()

/** `at most 15 min`, `at least 0.95`. */
export const wantedText = ({ objective, wanted }: Verdict): string =>
  objective === 'recall' ? `at least ${wanted}` : `at most ${showDuration(wanted)}`

/** What was measured, in the unit of the objective. */
export function actualText({ objective, actual }: Verdict): string {
  if (actual === null) return 'not measured'
  return objective === 'recall' ? actual.toFixed(4) : showDuration(actual)
}

function verdictSection(verdict: Verdict): Section {
  const { measured, evidence, reasons, run } = verdict
  const facts = [
    ...reasons,
    ...(run === null ? [] : [`measured in run ${run}, ended ${verdict.measuredAt ?? 'unknown'}`]),
    ...measuredFacts(verdict),
  ]
  return {
    heading: `${verdict.collection}: ${objectiveName(verdict)} ${verdict.verdict}`,
    blocks: [
      { kind: 'list', items: facts },
      ...(measured.phases === undefined
        ? []
        : [
            {
              kind: 'table' as const,
              columns: ['Phase', 'Time', 'After'],
              rows: measured.phases.map(({ name, at, afterMs }) => [
                name,
                at,
                showDuration(afterMs),
              ]),
            },
          ]),
      ...(evidence.length === 0
        ? []
        : [
            {
              kind: 'list' as const,
              items: evidence.map(
                ({ step, line, artefacts }) =>
                  `evidence: ledger line ${line}, step ${step}${artefacts
                    .map(({ artefact, sha256 }) => `; ${artefact} (SHA-256 ${sha256})`)
                    .join('')}`,
              ),
            },
          ]),
    ],
  }
}

function measuredFacts({ measured }: Verdict): string[] {
  const { disasterAt, asOfAt, recordsLost, lastAcknowledgedLsn, recoveryPointLsn } = measured
  return [
    ...(disasterAt === undefined || asOfAt === undefined
      ? []
      : [
          `the disaster came at ${disasterAt}; the source was last seen at the recovery point at ${asOfAt}`,
        ]),
    ...(recordsLost === undefined
      ? []
      : [
          `acknowledged log records lost: ${recordsLost} (last acknowledged LSN ${lastAcknowledgedLsn}, recovery point LSN ${recoveryPointLsn})`,
        ]),
    ...(measured.countedFrom === undefined ? [] : [`counted from the ${measured.countedFrom}`]),
    ...(measured.queries === undefined
      ? []
      : [`measured with ${measured.queries} queries, truth from ${measured.truth ?? 'unknown'}`]),
  ]
}

function runSections({ runs, scope }: Audit): Section[] {
  const table: Section = {
    heading: 'Runs',
    blocks: [
      runs.length === 0
        ? { kind: 'paragraph', text: 'No run in the window.' }
        : {
            kind: 'table',
            columns: ['Run', 'What', 'Outcome', 'Started', 'Took', 'Ledger line'],
            rows: runs.map((run) => [
              run.run,
              `${run.sequence.kind} ${run.sequence.name}`,
              outcomeOf(run),
              run.startedAt,
              run.durationMs === null ? 'unknown' : showDuration(run.durationMs),
              { lines: [run.line] },
            ]),
          },
    ],
  }
  const detailed = scope === 'run' ? runs : []
  return [table, ...detailed.map(stepsSection)]
}

function ledgerSection(audit: Audit): Section[] {
  const entries = ledgerReferences(audit)
  if (entries.length === 0) return []
  return [{ heading: 'Lines of the ledger', blocks: [{ kind: 'entries', entries }] }]
}

const outcomeOf = ({ outcome, interruptions = [] }: RunSummary): string =>
  interruptions.length === 0
    ? outcome
    : `${outcome}, resumed ${interruptions.length === 1 ? 'once' : `${interruptions.length} times`}`

function stepsSection(run: RunSummary): Section {
  const said = run.steps.filter(({ remarks }) => remarks.length > 0)
  return {
    heading: `Steps of run ${run.run}`,
    blocks: [
      {
        kind: 'table',
        columns: ['Step', 'Kind', 'Stage', 'Outcome', 'Took', 'Ledger line'],
        rows: run.steps.map((step) => [
          step.step,
          step.kind,
          step.stage,
          outcomeText(step),
          showDuration(step.durationMs),
          { lines: [step.line] },
        ]),
      },
      ...interruptionBlocks(run),
      ...said.flatMap(({ step, remarks }): Block[] => [
        { kind: 'paragraph', text: `Step ${step} said:` },
        { kind: 'lines', lines: remarks },
      ]),
    ],
  }
}

const interruptionBlocks = ({ interruptions = [] }: RunSummary): Block[] =>
  interruptions.length === 0
    ? []
    : [
        {
          kind: 'list',
          items: interruptions.map(
            ({ lastSeenAt, resumedAt }) =>
              `interrupted after ${lastSeenAt}, resumed at ${resumedAt}; the time in between is part of what the run took`,
          ),
        },
      ]

const outcomeText = ({ outcome, error }: StepSummary): string =>
  error === undefined ? outcome : `${outcome}: ${error.message}`

function provenance({ plan, window, generatedAt, ledgerLines, remarks, runs }: Audit): Section {
  const commits = [...new Set(runs.flatMap(({ gitCommit }) => (gitCommit ? [gitCommit] : [])))]
  return {
    heading: 'How to check this',
    blocks: [
      {
        kind: 'list',
        items: [
          `plan ${plan.name} (${plan.file}), owner ${plan.owner}, SHA-256 ${plan.sha256}`,
          ...(commits.length === 0 ? [] : [`run from commit ${commits.join(', ')}`]),
          `window ${window.from} to ${window.to}; generated for ${generatedAt}`,
          `ledger: the first ${ledgerLines} lines; prove its chain with: vectra-dr ledger verify ${plan.file}`,
          'artefacts stand below the state directory, or at the destination that is named first; compare them with: sha256sum FILE',
          ...remarks,
        ],
      },
    ],
  }
}
